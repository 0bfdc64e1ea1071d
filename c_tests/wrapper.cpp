// The C++ wrapper: a matrix product with an epilogue, ownership, and errors as exceptions.
#include <string>
#include <type_traits>
#include <vector>

#include "brick.hpp"
#include "check.h"

static void computes()
{
    brick::engine engine;
    brick::stream stream(engine);
    brick::memory_desc src_md({2, 3}, brick_f32, brick_ab), weights_md({3, 2}, brick_f32, {1, 3}),
        dst_md({2, 2}, brick_f32, brick_ab);
    EXPECT(src_md.bytes() == 6 * sizeof(float));

    std::vector<float> src = {1, 2, 3, 4, 5, 6}, weights = {1, 0, -1, 1, 1, 1}; // two columns of three
    brick::memory a(src_md, engine, src.data()), b(weights_md, engine, weights.data()), c(dst_md, engine);
    EXPECT(a.data<float>() == src.data());

    brick::post_ops post_ops;
    post_ops.append(brick_post_ops_append_eltwise, brick_eltwise_relu, 0.0f, 0.0f);
    brick::attr attr;
    attr.set(brick_primitive_attr_set_post_ops, post_ops)
        .set(brick_primitive_attr_set_scratchpad_mode, brick_scratchpad_mode_library);
    brick::primitive_desc pd(brick_matmul_primitive_desc_create, engine, src_md, weights_md, nullptr, dst_md, attr);
    EXPECT(brick_memory_desc_equal(pd.query_md(brick_query_dst_md), dst_md) == 1);
    EXPECT(brick::memory_desc(pd.query_md(brick_query_src_md)).bytes() == src_md.bytes());

    brick::primitive primitive(pd);
    primitive.execute(stream, {{BRICK_ARG_SRC, a}, {BRICK_ARG_WEIGHTS, b}, {BRICK_ARG_DST, c}});
    stream.wait();
    const float expected[] = {0, 6, 0, 15}; // of -2, 6, -2, 15
    for (int i = 0; i < 4; i++)
        EXPECT(c.data<float>()[i] == expected[i]);
    EXPECT(pd.query_md(brick_query_workspace_md) && !brick_memory_desc_get_size(pd.query_md(brick_query_workspace_md)));

    // Sizes and arguments that come from elsewhere.
    const std::vector<brick_dim_t> sizes = {2, 2};
    EXPECT(brick_memory_desc_equal(brick::memory_desc(sizes, brick_f32, brick_ab), dst_md) == 1);
    const std::vector<brick_exec_arg_t> args = {{BRICK_ARG_DST, c}, {BRICK_ARG_SRC, a}, {BRICK_ARG_WEIGHTS, b}};
    c.data<float>()[3] = -1;
    primitive.execute(stream, args);
    EXPECT(c.data<float>()[3] == expected[3]);
}

static void owns()
{
    static_assert(!std::is_copy_constructible<brick::engine>::value, "handles have one owner");
    brick::memory_desc first({4}, brick_f32, brick_a), second(std::move(first));
    EXPECT(first.get() == nullptr && second.bytes() == 16);
    first = std::move(second);
    EXPECT(second.get() == nullptr && first.bytes() == 16);
    OK(brick_memory_desc_destroy(first.release()));
    EXPECT(first.get() == nullptr);
}

static void throws()
{
    brick_status_t status = brick_success;
    std::string sentence;
    try {
        brick::memory_desc({-5, 3}, brick_f32, brick_ab);
    } catch (const brick::error &error) {
        status = error.status();
        sentence = error.what();
    }
    EXPECT(status == brick_invalid_arguments);
    EXPECT(sentence.find("-5") != std::string::npos);

    status = brick_success;
    try {
        brick::memory_desc({5, 3}, brick_f32, {1});
    } catch (const brick::error &error) {
        status = error.status();
    }
    EXPECT(status == brick_invalid_arguments);
}

int main()
{
    computes();
    owns();
    throws();
    return finish();
}
