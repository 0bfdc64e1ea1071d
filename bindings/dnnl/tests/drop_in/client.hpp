// What the sections of client.cpp share: checks, data, an engine with a stream.
//
// With CLIENT_POOL streams run on a thread pool of the program, as in programs for oneDNN's THREADPOOL runtime.
#pragma once
#ifdef CLIENT_POOL
#include "oneapi/dnnl/dnnl_threadpool.hpp"
#else
#include "oneapi/dnnl/dnnl.hpp"
#endif

#include <sched.h>

#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <functional>
#include <thread>

using namespace dnnl;
using dims = memory::dims;
using dt = memory::data_type;
using tag = memory::format_tag;

static int failures = 0;

#define CHECK(condition) ((condition) ? (void)0 : (void)(failures++, std::printf("line %d: %s\n", __LINE__, #condition)))

static bool close(float a, float b, float tolerance) { return std::fabs(a - b) <= tolerance * (1 + std::fabs(b)); }

/// Small integers, the same ones at every call with the same step.
static std::vector<float> numbers(size_t count, int step, float scale = 1)
{
    std::vector<float> x(count);
    for (size_t i = 0; i < count; i++)
        x[i] = scale * (float)((int)(i * step % 9) - 4);
    return x;
}

static size_t count(const dims &d)
{
    size_t n = 1;
    for (auto i : d)
        n *= i;
    return n;
}

#ifdef CLIENT_POOL
static thread_local bool in_parallel = false;

/// Three threads, hired for each region.
struct pool : threadpool_interop::threadpool_iface {
    int get_num_threads() const override { return 3; }
    bool get_in_parallel() const override { return in_parallel; }
    uint64_t get_flags() const override { return 0; }
    void wait() override { }
    void parallel_for(int n, const std::function<void(int, int)> &f) override
    {
        std::vector<std::thread> team;
        for (int t = 0; t < 3; t++)
            team.emplace_back([&f, n, t] {
                in_parallel = true;
                for (int i = t; i < n; i += 3)
                    f(i, n);
            });
        for (auto &thread : team)
            thread.join();
        regions += n > 1;
    }
    std::atomic<int> regions {0};
};
static pool team;
static stream new_stream(const engine &eng) { return threadpool_interop::make_stream(eng, &team); }
#else
static stream new_stream(const engine &eng) { return stream(eng); }
#endif

struct world {
    engine eng {engine::kind::cpu, 0};
    stream strm {new_stream(eng)};

    memory plain(const dims &d, const std::vector<float> &x, tag t)
    {
        memory m({d, dt::f32, t}, eng);
        std::memcpy(m.get_data_handle(), x.data(), x.size() * sizeof(float));
        return m;
    }
    /// The same values in another layout or type.
    memory moved(memory m, const memory::desc &md)
    {
        if (m.get_desc() == md)
            return m;
        memory to(md, eng);
        reorder(m, to).execute(strm, m, to);
        strm.wait();
        return to;
    }
    std::vector<float> values(memory m, tag t)
    {
        auto d = m.get_desc().get_dims();
        memory to = moved(m, {d, dt::f32, t});
        auto *x = (float *)to.get_data_handle();
        return std::vector<float>(x, x + count(d));
    }
    void run(const primitive &p, const std::unordered_map<int, memory> &args)
    {
        p.execute(strm, args);
        strm.wait();
    }
};
