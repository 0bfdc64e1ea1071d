// A thread pool as a oneDNN client writes one, behind C functions for the test in threadpool.rs.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace dnnl {
namespace threadpool_interop {
// oneDNN's interface, declared as its header does.
struct threadpool_iface {
    virtual int get_num_threads() const = 0;
    virtual bool get_in_parallel() const = 0;
    virtual void parallel_for(int n, const std::function<void(int, int)> &fn) = 0;
    virtual uint64_t get_flags() const = 0;
    virtual void wait() = 0;
    virtual ~threadpool_iface() = default;
};
} // namespace threadpool_interop
} // namespace dnnl

namespace {

thread_local bool in_parallel = false;

// A thread for each part.
struct spawner : dnnl::threadpool_interop::threadpool_iface {
    spawner(int threads, bool asynchronous) : threads_(threads), asynchronous_(asynchronous) {}

    int get_num_threads() const override { return threads_; }
    bool get_in_parallel() const override { return in_parallel; }
    uint64_t get_flags() const override { return asynchronous_ ? 1 : 0; }
    void wait() override {}

    void parallel_for(int n, const std::function<void(int, int)> &fn) override {
        std::vector<std::thread> team;
        // The asynchronous pool returns at once, so its threads share copies of the function.
        auto copy = std::make_shared<std::function<void(int, int)>>(fn);
        for (int i = 0; i < n; i++)
            team.emplace_back([this, copy, i, n] {
                in_parallel = true;
                (*copy)(i, n);
                parts_++;
            });
        for (auto &thread : team)
            asynchronous_ ? thread.detach() : thread.join();
    }

    const int threads_;
    const bool asynchronous_;
    std::atomic<int> parts_ {0};
};

} // namespace

extern "C" void *pool_create(int threads, int asynchronous) {
    dnnl::threadpool_interop::threadpool_iface *pool = new spawner(threads, asynchronous != 0);
    return pool;
}

extern "C" int pool_parts(const void *pool) {
    return static_cast<const spawner *>(static_cast<const dnnl::threadpool_interop::threadpool_iface *>(pool))->parts_;
}
