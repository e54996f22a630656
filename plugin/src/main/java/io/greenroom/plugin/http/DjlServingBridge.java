package io.greenroom.plugin.http;

import ai.djl.modality.Input;
import ai.djl.modality.Output;
import ai.djl.repository.zoo.ZooModel;
import ai.djl.translate.TranslateException;
import io.greenroom.plugin.engine.MoeEngine;
import io.greenroom.plugin.engine.MoeEngineModel;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpResponse;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * DJL Serving, reached by reflection: its jars are not in every package registry. All that is used
 * of it is public and named here once.
 */
final class DjlServingBridge implements ServerBridge {

    private static final String ROOT = "ai.djl.serving.";
    private static final String INFERENCE = "inference_address";
    private static final String MANAGEMENT = "management_address";
    private static final String DEFAULT_ADDRESS = "http://127.0.0.1:8080";
    private static final Pattern PORT = Pattern.compile(":(\\d{1,5})/?$");

    private final Object models;
    private final Object config;
    private final Method getWorkflow;
    private final Method getEndpoints;
    private final Method getSingleStartupWorkflow;
    private final Method runJob;
    private final Method getWorkflows;
    private final Method getWpcs;
    private final Method getName;
    private final Method getVersion;
    private final Class<?> modelInfo;
    private final Method getEngineName;
    private final Method getModels;
    private final Method getModelUrlPattern;
    private final Method getProperty;
    private final Method getRequestId;
    private final Method sendHttpResponse;

    private DjlServingBridge(ClassLoader loader) throws ReflectiveOperationException {
        Class<?> manager = loader.loadClass(ROOT + "models.ModelManager");
        Class<?> workflow = loader.loadClass(ROOT + "workflow.Workflow");
        Class<?> endpoint = loader.loadClass(ROOT + "models.Endpoint");
        Class<?> configManager = loader.loadClass(ROOT + "util.ConfigManager");
        Class<?> nettyUtils = loader.loadClass(ROOT + "util.NettyUtils");
        modelInfo = loader.loadClass(ROOT + "wlm.ModelInfo");
        models = manager.getMethod("getInstance").invoke(null);
        config = configManager.getMethod("getInstance").invoke(null);
        getWorkflow = manager.getMethod("getWorkflow", String.class, String.class, boolean.class);
        getEndpoints = manager.getMethod("getEndpoints");
        getSingleStartupWorkflow = manager.getMethod("getSingleStartupWorkflow");
        runJob = manager.getMethod("runJob", workflow, Input.class);
        getWorkflows = endpoint.getMethod("getWorkflows");
        getWpcs = workflow.getMethod("getWpcs");
        getName = workflow.getMethod("getName");
        getVersion = workflow.getMethod("getVersion");
        getEngineName = modelInfo.getMethod("getEngineName");
        getModels = modelInfo.getMethod("getModels");
        getModelUrlPattern = configManager.getMethod("getModelUrlPattern");
        getProperty = configManager.getMethod("getProperty", String.class, String.class);
        getRequestId = nettyUtils.getMethod("getRequestId", Channel.class);
        sendHttpResponse =
                nettyUtils.getMethod(
                        "sendHttpResponse",
                        ChannelHandlerContext.class,
                        HttpResponse.class,
                        boolean.class,
                        boolean.class);
    }

    /**
     * Connects to the server this runs in.
     *
     * @return empty if this does not run in DJL Serving
     * @throws IllegalStateException if it does, but in a version with other methods
     */
    static Optional<ServerBridge> connect(ClassLoader loader) {
        try {
            loader.loadClass(ROOT + "models.ModelManager");
        } catch (ClassNotFoundException e) {
            return Optional.empty();
        }
        try {
            return Optional.of(new DjlServingBridge(loader));
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException(
                    "This version of DJL Serving is not supported (0.36 is): " + e, e);
        }
    }

    @Override
    public List<ServedModel> models() {
        List<ServedModel> served = new ArrayList<>();
        for (Object endpoint : ((Map<?, ?>) call(getEndpoints, models)).values()) {
            for (Object workflow : List.copyOf((Collection<?>) call(getWorkflows, endpoint))) {
                served(workflow).ifPresent(served::add);
            }
        }
        return served;
    }

    @Override
    public Optional<ServedModel> find(String name, @Nullable String version) {
        Object workflow = workflow(name, version, false);
        return workflow == null ? Optional.empty() : served(workflow);
    }

    /** The one model of a workflow, if it is of this engine and loaded. */
    private Optional<ServedModel> served(Object workflow) {
        Collection<?> members = (Collection<?>) call(getWpcs, workflow);
        if (members.size() != 1) {
            return Optional.empty();
        }
        Object member = members.iterator().next();
        if (!modelInfo.isInstance(member)
                || !MoeEngine.NAME.equals(callOrNull(getEngineName, member))) {
            return Optional.empty();
        }
        for (Object model : ((Map<?, ?>) call(getModels, member)).values()) {
            if (model instanceof ZooModel<?, ?> zoo
                    && zoo.getWrappedModel() instanceof MoeEngineModel own) {
                return Optional.of(
                        new ServedModel(
                                (String) call(getName, workflow),
                                (String) callOrNull(getVersion, workflow),
                                own));
            }
        }
        return Optional.empty();
    }

    @Override
    public boolean isRegistered(String name) {
        return ((Map<?, ?>) call(getEndpoints, models)).containsKey(name);
    }

    @Override
    public Optional<String> defaultModel() {
        return ((Optional<?>) call(getSingleStartupWorkflow, models)).map(String.class::cast);
    }

    @Override
    public boolean loadsOnDemand() {
        return callOrNull(getModelUrlPattern, config) != null;
    }

    @Override
    @SuppressWarnings("FutureReturnValueIgnored") // the answer carries the failure
    public CompletableFuture<Output> predict(String name, @Nullable String version, Input input) {
        CompletableFuture<Output> answer = new CompletableFuture<>();
        try {
            Object workflow = workflow(name, version, true);
            if (workflow == null) {
                throw new RefusedException(
                        404,
                        "The model \"" + name + "\" was unloaded",
                        new IllegalStateException());
            }
            CompletableFuture<?> job = (CompletableFuture<?>) call(runJob, models, workflow, input);
            job.whenComplete(
                    (output, failure) -> {
                        if (failure != null) {
                            answer.completeExceptionally(refused(failure));
                        } else {
                            answer.complete((Output) output);
                        }
                    });
        } catch (RuntimeException e) {
            answer.completeExceptionally(refused(e));
        }
        return answer;
    }

    private static RefusedException refused(Throwable failure) {
        Throwable cause = failure;
        while (cause instanceof CompletionException && cause.getCause() != null) {
            cause = cause.getCause();
        }
        if (cause instanceof RefusedException known) {
            return known;
        }
        // The server's exceptions for "not now" are WlmException and its subclasses.
        boolean notNow = cause.getClass().getSimpleName().startsWith("Wlm");
        int status = cause instanceof TranslateException ? 400 : notNow ? 503 : 500;
        return new RefusedException(status, String.valueOf(cause.getMessage()), cause);
    }

    /**
     * {@inheritDoc}
     *
     * <p>With addresses of their own, the server hands requests to plugins on the management
     * address only; ports tell whether it is one.
     */
    @Override
    public boolean servesInference(SocketAddress localAddress) {
        String inference = String.valueOf(call(getProperty, config, INFERENCE, DEFAULT_ADDRESS));
        String management = String.valueOf(call(getProperty, config, MANAGEMENT, DEFAULT_ADDRESS));
        Matcher port = PORT.matcher(inference);
        boolean apart =
                !inference.equals(management)
                        && port.find()
                        && localAddress instanceof InetSocketAddress local
                        && local.getPort() != Integer.parseInt(port.group(1));
        return !apart;
    }

    @Override
    public String requestId(Channel channel) {
        return String.valueOf(callOrNull(getRequestId, null, channel));
    }

    @Override
    public void send(ChannelHandlerContext ctx, HttpResponse response) {
        boolean whole = response instanceof FullHttpResponse;
        callOrNull(sendHttpResponse, null, ctx, response, true, whole);
    }

    private @Nullable Object workflow(String name, @Nullable String version, boolean predict) {
        return callOrNull(getWorkflow, models, name, version, predict);
    }

    private static Object call(Method method, Object target, @Nullable Object... arguments) {
        Object result = callOrNull(method, target, arguments);
        if (result == null) {
            throw new IllegalStateException(method + " gave null");
        }
        return result;
    }

    private static @Nullable Object callOrNull(
            Method method, @Nullable Object target, @Nullable Object... arguments) {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            if (e.getCause() instanceof RuntimeException own) {
                throw own;
            }
            throw new IllegalStateException(method + " failed: " + e.getCause(), e);
        } catch (IllegalAccessException e) {
            throw new IllegalStateException("Cannot call " + method, e);
        }
    }
}
