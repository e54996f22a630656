#!/bin/sh
# Builds the native code; Maven calls it, and a second run compiles only what changed.
#
#   build.sh library  BUILD_DIR JAVA_HOME OUTPUT_DIR   libgreenroom.so, copied below OUTPUT_DIR
#   build.sh test     BUILD_DIR JAVA_HOME              the native tests, built and run
#   build.sh sanitize BUILD_DIR                        the same under ASan and UBSan
set -eu

goal=$1
build=$2
source=$(cd "$(dirname "$0")" && pwd)
log=$build.log

for tool in cmake "${CXX:-c++}"; do
    if ! command -v "$tool" > /dev/null; then
        echo "The native library needs '$tool', which is not on the PATH." >&2
        echo "Install CMake 3.18+ and a C++20 compiler (Debian, Ubuntu: apt-get install cmake g++)." >&2
        exit 1
    fi
done

mkdir -p "$(dirname "$build")"

# Runs a step quietly; a failure shows the log.
step() {
    "$@" > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
}

case $goal in
    library)
        step cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGREENROOM_TESTS=ON \
            "-DGREENROOM_JAVA_HOME=$3"
        step cmake --build "$build" --parallel 2 --target greenroom
        folder=$4/native/linux-$(uname -m)
        mkdir -p "$folder"
        cp -p "$build/libgreenroom.so" "$folder/libgreenroom.so"
        ;;
    test)
        step cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Release -DGREENROOM_TESTS=ON \
            "-DGREENROOM_JAVA_HOME=$3"
        step cmake --build "$build" --parallel 2 --target greenroom_tests
        cd "$build" && ctest --output-on-failure
        ;;
    sanitize)
        step cmake -S "$source" -B "$build" -DCMAKE_BUILD_TYPE=Debug -DGREENROOM_SANITIZE=ON \
            -DGREENROOM_TESTS=ON -DGREENROOM_JNI=OFF
        step cmake --build "$build" --parallel 2 --target greenroom_tests
        cd "$build" && ctest --output-on-failure
        ;;
    *)
        echo "Unknown goal '$goal': library, test or sanitize" >&2
        exit 1
        ;;
esac
