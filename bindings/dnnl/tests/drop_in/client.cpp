// A program as oneDNN's users write them: oneDNN's own C++ header, one section for each group of the interface, every result
// compared with a loop written out here. It knows nothing of brick, and runs on oneDNN's library too.
//
//     client [SECTION]...
#include "client.hpp"

// ---- memory: descriptors, handles, mapping

static void memories(world &w)
{
    memory::desc md({2, 3, 4, 5}, dt::f32, tag::nchw);
    CHECK(md.get_size() == 480 && md.get_ndims() == 4 && md.get_data_type() == dt::f32);
    CHECK((md.get_strides() == dims {60, 20, 5, 1}) && md.get_format_kind() == memory::format_kind::blocked);
    CHECK(md == memory::desc({2, 3, 4, 5}, dt::f32, dims {60, 20, 5, 1}));
    CHECK(md != memory::desc({2, 3, 4, 5}, dt::f32, tag::nhwc));
    CHECK((md.reshape({6, 20}).get_dims() == dims {6, 20}));
    CHECK((md.permute_axes({0, 2, 3, 1}).get_dims() == dims {2, 5, 3, 4}));
    memory::desc blocked({2, 19, 4, 5}, dt::bf16, tag::nChw16c);
    CHECK((blocked.get_padded_dims() == dims {2, 32, 4, 5}) && blocked.get_size() == 2 * 32 * 20 * 2);
    CHECK((blocked.get_inner_blks() == dims {16}) && (blocked.get_inner_idxs() == dims {1}) && blocked.get_inner_nblks() == 1);
    CHECK(memory::desc(blocked.get_blob()) == blocked);
    CHECK(memory::desc().is_zero() && memory::desc().get_size() == 0);
    CHECK(memory::data_type_size(dt::bf16) == 2);

    auto part = md.submemory_desc({2, 3, 2, 5}, {0, 0, 1, 0});
    CHECK(part.get_submemory_offset() == 5);
    memory whole = w.plain({2, 3, 4, 5}, numbers(120, 7), tag::nchw), view(part, w.eng, whole.get_data_handle());
    auto x = w.values(whole, tag::nchw), y = w.values(view, tag::nchw);
    for (int i = 0; i < 60; i++)
        CHECK(y[i] == x[i / 10 * 20 + 5 + i % 10]);

    std::vector<float> mine(120, 3);
    memory user(md, w.eng, mine.data());
    float *mapped = user.map_data<float>();
    CHECK(mapped == mine.data());
    user.unmap_data(mapped);
    std::vector<float> other(120);
    user.set_data_handle(other.data());
    CHECK(user.get_data_handle() == other.data() && user.get_desc() == md && user.get_engine() == w.eng);
    memory late(md, w.eng, DNNL_MEMORY_NONE);
    CHECK(late.get_data_handle() == nullptr);
    CHECK(engine::get_count(engine::kind::cpu) == 1 && w.eng.get_kind() == engine::kind::cpu && w.strm.get_engine() == w.eng);
    CHECK(version()->major == 3);

    // Through every layout and back.
    for (auto t : {tag::nhwc, tag::nChw8c, tag::nChw16c, tag::hwio, tag::chwn}) {
        memory there = w.moved(whole, {{2, 3, 4, 5}, dt::f32, t});
        CHECK(w.values(there, tag::nchw) == x);
    }
    for (auto t : {dt::bf16, dt::f16, dt::s8, dt::s32}) // small integers survive
        CHECK(w.values(w.moved(whole, {{2, 3, 4, 5}, t, tag::nhwc}), tag::nchw) == x);
}

// ---- convolution, inner product: a small network is trained

struct problem {
    dims src, wei, dst, strides, dilates, left, right;
    bool groups() const { return wei.size() == 5; }
};

/// dst[n,k,p,q] += src[n,c,h,w] * wei[g,k,c,r,s], as a walk over all products: `visit` gets the three offsets.
static void walk(const problem &p, const std::function<void(size_t, size_t, size_t)> &visit)
{
    const int64_t *w = p.wei.data() + p.groups();
    int64_t G = p.groups() ? p.wei[0] : 1, K = w[0], C = w[1], R = w[2], S = w[3];
    int64_t H = p.src[2], W = p.src[3], P = p.dst[2], Q = p.dst[3];
    for (int64_t n = 0; n < p.src[0]; n++)
        for (int64_t g = 0; g < G; g++)
            for (int64_t k = 0; k < K; k++)
                for (int64_t pq = 0; pq < P * Q; pq++)
                    for (int64_t c = 0; c < C; c++)
                        for (int64_t rs = 0; rs < R * S; rs++) {
                            int64_t h = pq / Q * p.strides[0] - p.left[0] + rs / S * (p.dilates[0] + 1);
                            int64_t v = pq % Q * p.strides[1] - p.left[1] + rs % S * (p.dilates[1] + 1);
                            if (h >= 0 && h < H && v >= 0 && v < W)
                                visit(((n * G + g) * C + c) * H * W + h * W + v, ((g * K + k) * C + c) * R * S + rs,
                                        ((n * G + g) * K + k) * P * Q + pq);
                        }
}

static void one_convolution(world &w, const problem &p, dt type)
{
    tag wt = p.groups() ? tag::goihw : tag::oihw;
    auto any = [&](const dims &d) { return memory::desc(d, type, tag::any); };
    dims bia {p.dst[1]};
    auto x = numbers(count(p.src), 5), f = numbers(count(p.wei), 7), b = numbers(p.dst[1], 4), g = numbers(count(p.dst), 11);
    memory src = w.plain(p.src, x, tag::nchw), wei = w.plain(p.wei, f, wt), bias = w.plain(bia, b, tag::x),
           diff_dst = w.plain(p.dst, g, tag::nchw);

    primitive_attr attr;
    post_ops ops;
    ops.append_eltwise(algorithm::eltwise_relu, 0.5f, 0);
    attr.set_post_ops(ops);
    convolution_forward::primitive_desc inference(w.eng, prop_kind::forward_inference, algorithm::convolution_direct,
            any(p.src), any(p.wei), {bia, dt::f32, tag::any}, any(p.dst), p.strides, p.dilates, p.left, p.right, attr);
    memory dst(inference.dst_desc(), w.eng);
    w.run(convolution_forward(inference),
            {{DNNL_ARG_SRC, w.moved(src, inference.src_desc())}, {DNNL_ARG_WEIGHTS, w.moved(wei, inference.weights_desc())},
                    {DNNL_ARG_BIAS, w.moved(bias, inference.bias_desc())}, {DNNL_ARG_DST, dst}});
    std::vector<float> y(count(p.dst)), dx(x.size()), df(f.size());
    walk(p, [&](size_t i, size_t j, size_t k) { y[k] += x[i] * f[j], dx[i] += g[k] * f[j], df[j] += x[i] * g[k]; });
    auto got = w.values(dst, tag::nchw);
    float tolerance = type == dt::f32 ? 0 : 1 / 128.f; // integers are exact in f32
    for (size_t i = 0; i < y.size(); i++) {
        float sum = y[i] + b[i / (p.dst[2] * p.dst[3]) % p.dst[1]];
        CHECK(close(got[i], sum > 0 ? sum : 0.5f * sum, tolerance));
    }

    convolution_forward::primitive_desc training(w.eng, prop_kind::forward_training, algorithm::convolution_direct, any(p.src),
            any(p.wei), any(p.dst), p.strides, p.dilates, p.left, p.right);
    convolution_backward_data::primitive_desc back(w.eng, algorithm::convolution_direct, any(p.src), any(p.wei), any(p.dst),
            p.strides, p.dilates, p.left, p.right, training);
    memory diff_src(back.diff_src_desc(), w.eng);
    w.run(convolution_backward_data(back),
            {{DNNL_ARG_DIFF_DST, w.moved(diff_dst, back.diff_dst_desc())},
                    {DNNL_ARG_WEIGHTS, w.moved(wei, back.weights_desc())}, {DNNL_ARG_DIFF_SRC, diff_src}});
    got = w.values(diff_src, tag::nchw);
    for (size_t i = 0; i < dx.size(); i++)
        CHECK(close(got[i], dx[i], tolerance));

    convolution_backward_weights::primitive_desc learn(w.eng, algorithm::convolution_direct, any(p.src), any(p.wei),
            {bia, dt::f32, tag::any}, any(p.dst), p.strides, p.dilates, p.left, p.right, training);
    memory diff_wei(learn.diff_weights_desc(), w.eng), diff_bias(learn.diff_bias_desc(), w.eng);
    w.run(convolution_backward_weights(learn),
            {{DNNL_ARG_SRC, w.moved(src, learn.src_desc())}, {DNNL_ARG_DIFF_DST, w.moved(diff_dst, learn.diff_dst_desc())},
                    {DNNL_ARG_DIFF_WEIGHTS, diff_wei}, {DNNL_ARG_DIFF_BIAS, diff_bias}});
    got = w.values(diff_wei, wt);
    for (size_t i = 0; i < df.size(); i++)
        CHECK(close(got[i], df[i], tolerance));
    std::vector<float> db(p.dst[1]);
    for (size_t i = 0; i < g.size(); i++)
        db[i / (p.dst[2] * p.dst[3]) % p.dst[1]] += g[i];
    CHECK(w.values(diff_bias, tag::x) == db);
}

static void convolutions(world &w, dt type)
{
    const problem problems[] = {
            {{2, 3, 9, 11}, {20, 3, 3, 3}, {2, 20, 9, 11}, {1, 1}, {0, 0}, {1, 1}, {1, 1}},
            {{2, 16, 9, 9}, {32, 16, 3, 3}, {2, 32, 5, 5}, {2, 2}, {0, 0}, {1, 1}, {1, 1}},
            {{1, 32, 8, 8}, {48, 32, 1, 1}, {1, 48, 8, 8}, {1, 1}, {0, 0}, {0, 0}, {0, 0}},
            {{1, 8, 12, 12}, {8, 8, 3, 3}, {1, 8, 8, 8}, {1, 1}, {1, 1}, {0, 0}, {0, 0}},
            {{2, 24, 7, 7}, {24, 1, 1, 3, 3}, {2, 24, 7, 7}, {1, 1}, {0, 0}, {1, 1}, {1, 1}},
            {{2, 16, 7, 7}, {4, 4, 4, 3, 3}, {2, 16, 7, 7}, {1, 1}, {0, 0}, {1, 1}, {1, 1}},
    };
    for (const auto &p : problems)
        one_convolution(w, p, type);
}

static void convolutions_f32(world &w) { convolutions(w, dt::f32); }
static void convolutions_bf16(world &w) { convolutions(w, dt::bf16); } // oneDNN itself refuses these where AVX-512 is missing

static void deconvolution(world &w)
{
    // A deconvolution is the gradient by data of the convolution with its input and output exchanged.
    problem p {{2, 6, 9, 9}, {10, 6, 3, 3}, {2, 10, 5, 5}, {2, 2}, {0, 0}, {1, 1}, {1, 1}};
    auto x = numbers(count(p.dst), 5), f = numbers(count(p.wei), 7);
    std::vector<float> y(count(p.src));
    walk(p, [&](size_t i, size_t j, size_t k) { y[i] += x[k] * f[j]; });
    memory src = w.plain(p.dst, x, tag::nchw), wei = w.plain({6, 10, 3, 3}, f, tag::iohw);
    memory::desc any_wei({6, 10, 3, 3}, dt::f32, tag::any);
    deconvolution_forward::primitive_desc pd(w.eng, prop_kind::forward_inference, algorithm::deconvolution_direct,
            {p.dst, dt::f32, tag::any}, any_wei, {p.src, dt::f32, tag::any}, p.strides, p.left, p.right);
    memory dst(pd.dst_desc(), w.eng);
    w.run(deconvolution_forward(pd),
            {{DNNL_ARG_SRC, w.moved(src, pd.src_desc())}, {DNNL_ARG_WEIGHTS, w.moved(wei, pd.weights_desc())},
                    {DNNL_ARG_DST, dst}});
    CHECK(w.values(dst, tag::nchw) == y);
}

/// Learns to tell apart four kinds of pictures; the loss has to fall.
static void training(world &w)
{
    const int N = 32, C = 8, K = 4, S = 8;
    std::vector<float> x(N * S * S);
    for (int n = 0; n < N; n++)
        for (int i = 0; i < S * S; i++) { // stripes in four directions, each shifted
            int row = i / S, column = i % S, phase[] = {row, column, row + column, row - column};
            x[n * S * S + i] = std::sin(phase[n % 4] + 0.3f * n);
        }
    dims ds {N, 1, S, S}, dc {C, 1, 3, 3}, dh {N, C, S, S}, df {K, C, S, S}, dy {N, K};
    memory src = w.plain(ds, x, tag::nchw), wc = w.plain(dc, numbers(count(dc), 5, 0.05f), tag::oihw),
           bc = w.plain({C}, numbers(C, 2, 0.01f), tag::x), wf = w.plain(df, numbers(count(df), 7, 0.005f), tag::oihw),
           bf = w.plain({K}, std::vector<float>(K), tag::x);
    auto f32 = [](const dims &d, tag t) { return memory::desc(d, dt::f32, t); };
    convolution_forward::primitive_desc conv(w.eng, prop_kind::forward_training, algorithm::convolution_auto, f32(ds, tag::any),
            f32(dc, tag::any), bc.get_desc(), f32(dh, tag::any), {1, 1}, {1, 1}, {1, 1});
    eltwise_forward::primitive_desc relu(
            w.eng, prop_kind::forward_training, algorithm::eltwise_relu, conv.dst_desc(), conv.dst_desc(), 0.f);
    inner_product_forward::primitive_desc ip(
            w.eng, prop_kind::forward_training, conv.dst_desc(), f32(df, tag::any), bf.get_desc(), f32(dy, tag::nc));
    inner_product_backward_data::primitive_desc ip_d(w.eng, conv.dst_desc(), f32(df, tag::any), f32(dy, tag::nc), ip);
    inner_product_backward_weights::primitive_desc ip_w(
            w.eng, conv.dst_desc(), f32(df, tag::any), bf.get_desc(), f32(dy, tag::nc), ip);
    eltwise_backward::primitive_desc relu_d(
            w.eng, algorithm::eltwise_relu, conv.dst_desc(), conv.dst_desc(), conv.dst_desc(), 0.f, relu);
    convolution_backward_weights::primitive_desc conv_w(w.eng, algorithm::convolution_auto, f32(ds, tag::any),
            f32(dc, tag::any), bc.get_desc(), f32(dh, tag::any), {1, 1}, {1, 1}, {1, 1}, conv);
    memory h(conv.dst_desc(), w.eng), a(conv.dst_desc(), w.eng), y(f32(dy, tag::nc), w.eng), gy(f32(dy, tag::nc), w.eng),
            ga(conv.dst_desc(), w.eng), gh(conv.dst_desc(), w.eng), gwf(ip_w.diff_weights_desc(), w.eng),
            gbf(bf.get_desc(), w.eng), gwc(conv_w.diff_weights_desc(), w.eng), gbc(bc.get_desc(), w.eng);
    auto step = [&](memory &to, const memory &gradient) {
        memory plain = w.moved(gradient, to.get_desc());
        sum::primitive_desc pd(w.eng, to.get_desc(), {1.f, -0.02f}, {to.get_desc(), to.get_desc()});
        w.run(sum(pd), {{DNNL_ARG_MULTIPLE_SRC, to}, {DNNL_ARG_MULTIPLE_SRC + 1, plain}, {DNNL_ARG_DST, to}});
    };
    float first = 0, loss = 0;
    for (int epoch = 0; epoch < 60; epoch++) {
        w.run(convolution_forward(conv),
                {{DNNL_ARG_SRC, w.moved(src, conv.src_desc())}, {DNNL_ARG_WEIGHTS, w.moved(wc, conv.weights_desc())},
                        {DNNL_ARG_BIAS, bc}, {DNNL_ARG_DST, h}});
        w.run(eltwise_forward(relu), {{DNNL_ARG_SRC, h}, {DNNL_ARG_DST, a}});
        w.run(inner_product_forward(ip),
                {{DNNL_ARG_SRC, w.moved(a, ip.src_desc())}, {DNNL_ARG_WEIGHTS, w.moved(wf, ip.weights_desc())},
                        {DNNL_ARG_BIAS, bf}, {DNNL_ARG_DST, y}});
        float *o = (float *)y.get_data_handle(), *g = (float *)gy.get_data_handle();
        loss = 0;
        for (int n = 0; n < N; n++) {
            float total = 0;
            for (int k = 0; k < K; k++)
                total += std::exp(o[n * K + k]);
            for (int k = 0; k < K; k++)
                g[n * K + k] = std::exp(o[n * K + k]) / total - (k == n % 4);
            loss -= (o[n * K + n % 4] - std::log(total)) / N;
        }
        if (epoch == 0)
            first = loss;
        w.run(inner_product_backward_weights(ip_w),
                {{DNNL_ARG_SRC, a}, {DNNL_ARG_DIFF_DST, gy}, {DNNL_ARG_DIFF_WEIGHTS, gwf}, {DNNL_ARG_DIFF_BIAS, gbf}});
        w.run(inner_product_backward_data(ip_d),
                {{DNNL_ARG_DIFF_DST, gy}, {DNNL_ARG_WEIGHTS, w.moved(wf, ip_d.weights_desc())}, {DNNL_ARG_DIFF_SRC, ga}});
        w.run(eltwise_backward(relu_d), {{DNNL_ARG_SRC, h}, {DNNL_ARG_DIFF_DST, ga}, {DNNL_ARG_DIFF_SRC, gh}});
        w.run(convolution_backward_weights(conv_w),
                {{DNNL_ARG_SRC, w.moved(src, conv_w.src_desc())}, {DNNL_ARG_DIFF_DST, w.moved(gh, conv_w.diff_dst_desc())},
                        {DNNL_ARG_DIFF_WEIGHTS, gwc}, {DNNL_ARG_DIFF_BIAS, gbc}});
        step(wc, gwc), step(bc, gbc), step(wf, gwf), step(bf, gbf);
    }
    std::printf("training: the loss falls from %.4f to %.4f\n", first, loss);
    CHECK(loss < 0.2f * first);
}

// ---- matmul

static void products(world &w)
{
    const int64_t M = 9, N = 35, K = 21;
    auto a = numbers(M * K, 5), b = numbers(K * N, 7), bias = numbers(N, 2);
    std::vector<float> c(M * N);
    for (int64_t i = 0; i < M * N; i++)
        for (int64_t k = 0; k < K; k++)
            c[i] += a[i / N * K + k] * b[k * N + i % N];
    memory A = w.plain({M, K}, a, tag::ab), B = w.plain({K, N}, b, tag::ab), bias_m = w.plain({1, N}, bias, tag::ab);

    // Sizes that are known at execution only, one primitive for all of them; B is transposed.
    const auto open = DNNL_RUNTIME_DIM_VAL;
    matmul any_m(matmul::primitive_desc(
            w.eng, {{open, K}, dt::f32, dims {K, 1}}, {{K, N}, dt::f32, tag::ba}, {{open, N}, dt::f32, dims {N, 1}}));
    for (int64_t m : {M, M - 4}) {
        memory part({{m, K}, dt::f32, tag::ab}, w.eng, A.get_data_handle()), dst({{m, N}, dt::f32, tag::ab}, w.eng);
        w.run(any_m, {{DNNL_ARG_SRC, part}, {DNNL_ARG_WEIGHTS, w.moved(B, {{K, N}, dt::f32, tag::ba})}, {DNNL_ARG_DST, dst}});
        CHECK(w.values(dst, tag::ab) == std::vector<float>(c.begin(), c.begin() + m * N));
    }

    // Bias, a binary and an element-wise post-op.
    {
        auto scale = numbers(M, 3);
        memory rows = w.plain({M, 1}, scale, tag::ab), dst({{M, N}, dt::f32, tag::ab}, w.eng);
        primitive_attr attr;
        post_ops ops;
        ops.append_binary(algorithm::binary_mul, rows.get_desc());
        ops.append_eltwise(algorithm::eltwise_clip, -20.f, 30.f);
        attr.set_post_ops(ops);
        matmul::primitive_desc pd(w.eng, A.get_desc(), B.get_desc(), bias_m.get_desc(), dst.get_desc(), attr);
        w.run(matmul(pd),
                {{DNNL_ARG_SRC, A}, {DNNL_ARG_WEIGHTS, B}, {DNNL_ARG_BIAS, bias_m}, {DNNL_ARG_DST, dst},
                        {DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1, rows}});
        auto got = w.values(dst, tag::ab);
        for (int64_t i = 0; i < M * N; i++)
            CHECK(got[i] == std::fmin(std::fmax((c[i] + bias[i % N]) * scale[i / N], -20.f), 30.f));
    }

    // 8-bit integers with scales and a zero point.
    {
        primitive_attr attr;
        attr.set_scales_mask(DNNL_ARG_SRC, 0);
        attr.set_scales_mask(DNNL_ARG_WEIGHTS, 1 << 1);
        attr.set_scales_mask(DNNL_ARG_DST, 0);
        attr.set_zero_points_mask(DNNL_ARG_SRC, 0);
        matmul::primitive_desc pd(
                w.eng, {{M, K}, dt::u8, tag::any}, {{K, N}, dt::s8, tag::any}, {{M, N}, dt::s8, tag::any}, attr);
        std::vector<float> up(a);
        for (auto &x : up)
            x += 4;
        std::vector<float> wide(N);
        for (int64_t n = 0; n < N; n++)
            wide[n] = n % 2 ? 0.25f : 0.5f;
        memory zero({{1}, dt::s32, tag::x}, w.eng), dst(pd.dst_desc(), w.eng);
        *(int32_t *)zero.get_data_handle() = 4;
        w.run(matmul(pd),
                {{DNNL_ARG_SRC, w.moved(w.plain({M, K}, up, tag::ab), pd.src_desc())},
                        {DNNL_ARG_WEIGHTS, w.moved(B, pd.weights_desc())}, {DNNL_ARG_DST, dst},
                        {DNNL_ARG_ATTR_SCALES | DNNL_ARG_SRC, w.plain({1}, {2}, tag::x)},
                        {DNNL_ARG_ATTR_SCALES | DNNL_ARG_WEIGHTS, w.plain({N}, wide, tag::x)},
                        {DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, w.plain({1}, {4}, tag::x)},
                        {DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_SRC, zero}});
        auto got = w.values(dst, tag::ab);
        for (int64_t i = 0; i < M * N; i++)
            CHECK(got[i] == std::fmin(std::fmax(std::nearbyint(c[i] * 2 * wide[i % N] / 4), -128.f), 127.f));
    }

    std::vector<float> blas(M * N, 1);
    CHECK(sgemm('N', 'N', M, N, K, 2.f, a.data(), K, b.data(), N, 3.f, blas.data(), N) == status::success);
    for (int64_t i = 0; i < M * N; i++)
        CHECK(blas[i] == 2 * c[i] + 3);
}

// ---- element-wise, binary, sum, reorder with attributes

static void pointwise(world &w)
{
    dims d {2, 19, 3, 5};
    auto x = numbers(count(d), 5, 0.25f), z = numbers(19, 2);
    memory src = w.plain(d, x, tag::nchw), per_channel = w.plain({1, 19, 1, 1}, z, tag::nchw);
    struct {
        algorithm alg;
        float alpha, beta;
        float (*f)(float);
    } table[] = {
            {algorithm::eltwise_relu, 0, 0, [](float v) { return v > 0 ? v : 0; }},
            {algorithm::eltwise_tanh, 0, 0, [](float v) { return std::tanh(v); }},
            {algorithm::eltwise_logistic, 0, 0, [](float v) { return 1 / (1 + std::exp(-v)); }},
            {algorithm::eltwise_gelu_erf, 0, 0, [](float v) { return 0.5f * v * (1 + std::erf(v * 0.70710678f)); }},
            {algorithm::eltwise_swish, 1, 0, [](float v) { return v / (1 + std::exp(-v)); }},
            {algorithm::eltwise_hardswish, 1 / 6.f, 0.5f,
                    [](float v) { return v * std::fmin(std::fmax(v / 6 + 0.5f, 0.f), 1.f); }},
            {algorithm::eltwise_exp, 0, 0, [](float v) { return std::exp(v); }},
            {algorithm::eltwise_linear, 2, 1, [](float v) { return 2 * v + 1; }},
    };
    for (auto t : {tag::nchw, tag::nhwc, tag::nChw16c}) {
        memory::desc md(d, dt::f32, t);
        memory in = w.moved(src, md), out(md, w.eng);
        for (auto &row : table) {
            w.run(eltwise_forward({w.eng, prop_kind::forward_inference, row.alg, md, md, row.alpha, row.beta}),
                    {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, out}});
            auto got = w.values(out, tag::nchw);
            for (size_t i = 0; i < x.size(); i++)
                CHECK(close(got[i], row.f(x[i]), 1e-5f));
        }
        primitive_attr attr;
        post_ops ops;
        ops.append_eltwise(algorithm::eltwise_abs, 0, 0);
        attr.set_post_ops(ops);
        w.run(binary({w.eng, algorithm::binary_mul, md, per_channel.get_desc(), md, attr}),
                {{DNNL_ARG_SRC_0, in}, {DNNL_ARG_SRC_1, per_channel}, {DNNL_ARG_DST, out}});
        auto got = w.values(out, tag::nchw);
        for (size_t i = 0; i < x.size(); i++)
            CHECK(got[i] == std::fabs(x[i] * z[i / 15 % 19]));
        sum::primitive_desc pd(w.eng, {2.f, 0.5f}, {md, src.get_desc()}); // dst is chosen by the library
        memory total(pd.dst_desc(), w.eng);
        w.run(sum(pd), {{DNNL_ARG_MULTIPLE_SRC, in}, {DNNL_ARG_MULTIPLE_SRC + 1, src}, {DNNL_ARG_DST, total}});
        got = w.values(total, tag::nchw);
        for (size_t i = 0; i < x.size(); i++)
            CHECK(got[i] == 2.5f * x[i]);
    }
    // To 8 bits with a scale and a zero point.
    primitive_attr attr;
    attr.set_scales_mask(DNNL_ARG_DST, 0);
    attr.set_zero_points_mask(DNNL_ARG_DST, 0);
    memory to({d, dt::u8, tag::nhwc}, w.eng), zero({{1}, dt::s32, tag::x}, w.eng), scale = w.plain({1}, {0.25f}, tag::x);
    *(int32_t *)zero.get_data_handle() = 100;
    w.run(reorder(reorder::primitive_desc(src, to, attr)),
            {{DNNL_ARG_FROM, src}, {DNNL_ARG_TO, to}, {DNNL_ARG_ATTR_SCALES | DNNL_ARG_DST, scale},
                    {DNNL_ARG_ATTR_ZERO_POINTS | DNNL_ARG_DST, zero}});
    auto got = w.values(to, tag::nchw);
    for (size_t i = 0; i < x.size(); i++)
        CHECK(got[i] == x[i] * 4 + 100);
}

// ---- recurrent layers

/// Two layers of LSTM, forwards and backwards; gradients are checked against differences of the loss sum(dst * g).
static void lstm(world &w)
{
    const int64_t T = 4, N = 3, C = 8, L = 2;
    dims dx {T, N, C}, dw {L, 1, C, 4, C}, db {L, 1, 4, C}, di {L, 1, N, C};
    auto x = numbers(count(dx), 5, 0.1f), wl = numbers(count(dw), 7, 0.05f), wi = numbers(count(dw), 4, 0.05f),
         b = numbers(count(db), 2, 0.1f), g = numbers(count(dx), 11, 0.1f);
    auto any = [](const dims &d) { return memory::desc(d, dt::f32, tag::any); };
    memory::desc none, layer(dx, dt::f32, tag::tnc), bias(db, dt::f32, tag::ldgo);
    lstm_forward::primitive_desc fwd(w.eng, prop_kind::forward_training, rnn_direction::unidirectional_left2right, layer, none,
            none, any(dw), any(dw), bias, layer, none, none);
    lstm_backward::primitive_desc bwd(w.eng, prop_kind::backward, rnn_direction::unidirectional_left2right, layer, none, none,
            any(dw), any(dw), bias, layer, none, none, layer, none, none, any(dw), any(dw), bias, layer, none, none, fwd);
    memory workspace(fwd.workspace_desc(), w.eng), dst(layer, w.eng);
    auto forward = [&](const std::vector<float> &x, const std::vector<float> &wl) {
        w.run(lstm_forward(fwd),
                {{DNNL_ARG_SRC_LAYER, w.plain(dx, x, tag::tnc)},
                        {DNNL_ARG_WEIGHTS_LAYER, w.moved(w.plain(dw, wl, tag::ldigo), fwd.weights_layer_desc())},
                        {DNNL_ARG_WEIGHTS_ITER, w.moved(w.plain(dw, wi, tag::ldigo), fwd.weights_iter_desc())},
                        {DNNL_ARG_BIAS, w.plain(db, b, tag::ldgo)}, {DNNL_ARG_DST_LAYER, dst},
                        {DNNL_ARG_WORKSPACE, workspace}});
        auto y = w.values(dst, tag::tnc);
        double loss = 0;
        for (size_t i = 0; i < y.size(); i++)
            loss += (double)y[i] * g[i];
        return loss;
    };
    // The recurrence written out: gates i, f, c, o.
    auto sigmoid = [](double v) { return 1 / (1 + std::exp(-v)); };
    std::vector<double> in(x.begin(), x.end());
    for (int64_t l = 0; l < L; l++) {
        std::vector<double> h(N * C), c(N * C), out(T * N * C);
        for (int64_t t = 0; t < T; t++) {
            auto before = h;
            for (int64_t n = 0; n < N; n++)
                for (int64_t o = 0; o < C; o++) {
                    double gate[4];
                    for (int64_t k = 0; k < 4; k++) {
                        gate[k] = b[(l * 4 + k) * C + o];
                        for (int64_t i = 0; i < C; i++)
                            gate[k] += in[(t * N + n) * C + i] * wl[((l * C + i) * 4 + k) * C + o] +
                                    before[n * C + i] * wi[((l * C + i) * 4 + k) * C + o];
                    }
                    double &cell = c[n * C + o];
                    cell = sigmoid(gate[1]) * cell + sigmoid(gate[0]) * std::tanh(gate[2]);
                    out[(t * N + n) * C + o] = h[n * C + o] = sigmoid(gate[3]) * std::tanh(cell);
                }
        }
        in = out;
    }
    forward(x, wl);
    auto y = w.values(dst, tag::tnc);
    for (size_t i = 0; i < y.size(); i++)
        CHECK(close(y[i], (float)in[i], 1e-5f));

    memory dsrc(layer, w.eng), dwl(bwd.diff_weights_layer_desc(), w.eng), dwi(bwd.diff_weights_iter_desc(), w.eng),
            dbias(bias, w.eng);
    for (auto *m : {&dwl, &dwi, &dbias}) // gradients are added to what is there
        std::memset(m->get_data_handle(), 0, m->get_desc().get_size());
    w.run(lstm_backward(bwd),
            {{DNNL_ARG_SRC_LAYER, w.plain(dx, x, tag::tnc)},
                    {DNNL_ARG_WEIGHTS_LAYER, w.moved(w.plain(dw, wl, tag::ldigo), bwd.weights_layer_desc())},
                    {DNNL_ARG_WEIGHTS_ITER, w.moved(w.plain(dw, wi, tag::ldigo), bwd.weights_iter_desc())},
                    {DNNL_ARG_BIAS, w.plain(db, b, tag::ldgo)}, {DNNL_ARG_DST_LAYER, dst}, {DNNL_ARG_WORKSPACE, workspace},
                    {DNNL_ARG_DIFF_DST_LAYER, w.plain(dx, g, tag::tnc)}, {DNNL_ARG_DIFF_SRC_LAYER, dsrc},
                    {DNNL_ARG_DIFF_WEIGHTS_LAYER, dwl}, {DNNL_ARG_DIFF_WEIGHTS_ITER, dwi}, {DNNL_ARG_DIFF_BIAS, dbias}});
    auto gx = w.values(dsrc, tag::tnc), gw = w.values(dwl, tag::ldigo);
    const float e = 1 / 64.f;
    for (size_t i : {0, 17, 50, 95}) {
        auto more = x, less = x;
        more[i] += e, less[i] -= e;
        CHECK(close(gx[i], (float)((forward(more, wl) - forward(less, wl)) / (2 * e)), 2e-3f));
    }
    for (size_t i : {0, 99, 300, 511}) {
        auto more = wl, less = wl;
        more[i] += e, less[i] -= e;
        CHECK(close(gw[i], (float)((forward(x, more) - forward(x, less)) / (2 * e)), 2e-3f));
    }
}

// ---- the service calls: attributes, caches, errors, scratch, threads

static void service(world &w)
{
    primitive_attr attr;
    attr.set_scratchpad_mode(scratchpad_mode::user);
    attr.set_fpmath_mode(fpmath_mode::strict);
    attr.set_deterministic(true);
    CHECK(attr.get_scratchpad_mode() == scratchpad_mode::user && attr.get_deterministic());
    const int64_t S = 320; // large enough to be worth several threads
    memory::desc md({S, S}, dt::f32, tag::ab);
    matmul::primitive_desc pd(w.eng, md, md, md, attr);
    CHECK(pd.get_kind() == primitive::kind::matmul && pd.src_desc() == md && pd.weights_desc() == md && pd.dst_desc() == md);
    CHECK(pd.query_s64(query::memory_consumption_s64) == 0 && std::strlen(pd.impl_info_str()) > 0 && pd.get_engine() == w.eng);
    CHECK(pd.get_primitive_attr().get_scratchpad_mode() == scratchpad_mode::user && pd.query_md(query::diff_src_md).is_zero());
    matmul product(pd);
    CHECK(product.get_kind() == primitive::kind::matmul);
    memory a = w.plain({S, S}, numbers(S * S, 5), tag::ab);
    auto expected = [&] {
        memory c(md, w.eng), scratch(pd.scratchpad_desc(), w.eng);
        w.run(product, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, a}, {DNNL_ARG_DST, c}, {DNNL_ARG_SCRATCHPAD, scratch}});
        return w.values(c, tag::ab);
    }();
    std::vector<std::thread> threads; // one primitive, many threads, each with a stream of its own
    std::vector<std::vector<float>> results(4);
    for (auto &result : results)
        threads.emplace_back([&] {
            memory c(md, w.eng), scratch(pd.scratchpad_desc(), w.eng);
            stream mine = new_stream(w.eng);
            product.execute(
                    mine, {{DNNL_ARG_SRC, a}, {DNNL_ARG_WEIGHTS, a}, {DNNL_ARG_DST, c}, {DNNL_ARG_SCRATCHPAD, scratch}});
            mine.wait();
            auto *x = (float *)c.get_data_handle();
            result.assign(x, x + S * S);
        });
    for (auto &thread : threads)
        thread.join();
    for (auto &result : results)
        CHECK(result == expected);

    int capacity = get_primitive_cache_capacity();
    set_primitive_cache_capacity(capacity + 1);
    CHECK(get_primitive_cache_capacity() == capacity + 1);
    set_primitive_cache_capacity(capacity);

    auto refusal = [](const std::function<void()> &f) {
        try {
            f();
        } catch (const error &e) {
            CHECK(std::strlen(e.message) > 0);
            return e.status;
        }
        return dnnl_success;
    };
    CHECK(refusal([&] { memory::desc({-1, 3}, dt::f32, tag::ab); }) == dnnl_invalid_arguments);
    memory::desc other({S - 1, S}, dt::f32, tag::ab);
    CHECK(refusal([&] { matmul::primitive_desc(w.eng, md, other, md); }) == dnnl_invalid_arguments);
    CHECK(refusal([&] { product.execute(w.strm, {{DNNL_ARG_SRC, a}}); }) == dnnl_invalid_arguments);
    matmul::primitive_desc empty(w.eng, md, other, md, primitive_attr(), true); // does not throw
    CHECK(!empty);
}

int main(int argc, char **argv)
{
    const std::pair<const char *, void (*)(world &)> sections[] = {{"memories", memories},
            {"convolutions_f32", convolutions_f32}, {"convolutions_bf16", convolutions_bf16}, {"deconvolution", deconvolution},
            {"training", training}, {"products", products}, {"pointwise", pointwise}, {"lstm", lstm}, {"service", service}};
    world w;
    for (auto &[name, section] : sections) {
        bool wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= std::strcmp(argv[i], name) == 0;
        if (!wanted)
            continue;
        int before = failures;
        try {
            section(w);
        } catch (const error &e) {
            failures++;
            std::printf("%s: status %d: %s\n", name, (int)e.status, e.what());
        }
        std::printf("%s: %s\n", name, failures == before ? "ok" : "failed");
    }
#ifdef CLIENT_POOL
    cpu_set_t cores;
    CHECK(sched_getaffinity(0, sizeof cores, &cores) == 0);
    CHECK(argc > 1 || team.regions > 0 || CPU_COUNT(&cores) == 1);
#endif
    return failures != 0;
}
