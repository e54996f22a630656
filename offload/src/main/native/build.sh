#!/bin/sh
# Builds the native library: build.sh BUILD_DIR OUTPUT_DIR JAVA_HOME. Maven calls it; a second run
# compiles only what changed.
set -eu

build=$1
output=$2
java_home=$3
source=$(cd "$(dirname "$0")" && pwd)

for tool in cmake "${CXX:-c++}"; do
    if ! command -v "$tool" > /dev/null; then
        echo "The native library needs '$tool', which is not on the PATH." >&2
        echo "Install CMake 3.18+ and a C++20 compiler (Debian, Ubuntu: apt-get install cmake g++)." >&2
        exit 1
    fi
done

cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release "-DGREENROOM_JAVA_HOME=$java_home" \
    > "$build.log" 2>&1 || { cat "$build.log" >&2; exit 1; }
cmake --build "$build" --parallel 2 --target greenroom >> "$build.log" 2>&1 \
    || { cat "$build.log" >&2; exit 1; }

machine=$(uname -m)
mkdir -p "$output/native/linux-$machine"
cp -p "$build/libgreenroom.so" "$output/native/linux-$machine/libgreenroom.so"
