// brick for C++17: the C interface with owners instead of destroy calls, and exceptions instead of statuses.
//
// Objects own one handle each: they move and do not copy. They convert to the C handle, so every function of brick.h takes
// them, and there is no second interface to learn: a primitive descriptor is made by the C function that makes it,
//
//     brick::primitive_desc pd(brick_matmul_primitive_desc_create, engine, src, weights, nullptr, dst, nullptr);
//     brick::primitive(pd).execute(stream, {{BRICK_ARG_SRC, a}, {BRICK_ARG_WEIGHTS, b}, {BRICK_ARG_DST, c}});
//
// with nullptr for what is absent. Destruction never throws.
#ifndef BRICK_HPP
#define BRICK_HPP

#include <initializer_list>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "brick.h"

namespace brick {

/// A call that failed; what() is its sentence.
class error : public std::runtime_error {
public:
    error(brick_status_t status, const std::string &sentence) : std::runtime_error(sentence), status_(status) {}

    brick_status_t status() const noexcept { return status_; }

private:
    brick_status_t status_;
};

/// Throws what a C function returned, unless it succeeded.
inline void check(brick_status_t status)
{
    if (status != brick_success)
        throw error(status, std::string(brick_status2str(status)) + ": " + brick_last_error());
}

/// The owner of a C handle.
template <typename Raw, brick_status_t (*Destroy)(Raw)>
class handle {
public:
    handle() noexcept = default;
    /// Takes over a handle that a C function gave.
    explicit handle(Raw raw) noexcept : raw_(raw) {}
    handle(handle &&other) noexcept : raw_(other.release()) {}
    handle &operator=(handle &&other) noexcept
    {
        std::swap(raw_, other.raw_);
        return *this;
    }
    ~handle()
    {
        if (raw_)
            Destroy(raw_);
    }

    operator Raw() const noexcept { return raw_; }
    Raw get() const noexcept { return raw_; }
    /// Gives the handle away.
    Raw release() noexcept { return std::exchange(raw_, nullptr); }

protected:
    /// Fills the handle by a C function whose first argument receives it.
    template <typename Create, typename... Args>
    void create(Create function, Args &&...args)
    {
        check(function(&raw_, std::forward<Args>(args)...));
    }

private:
    Raw raw_ = nullptr;
};

class engine : public handle<brick_engine_t, brick_engine_destroy> {
public:
    explicit engine(brick_engine_kind_t kind = brick_cpu, std::size_t index = 0)
    {
        create(brick_engine_create, kind, index);
    }
};

class stream : public handle<brick_stream_t, brick_stream_destroy> {
public:
    explicit stream(const engine &engine, unsigned flags = brick_stream_default_flags)
    {
        create(brick_stream_create, engine, flags);
    }

    void wait() { check(brick_stream_wait(*this)); }
};

/// A tensor's dimensions, type and layout.
class memory_desc : public handle<brick_memory_desc_t, brick_memory_desc_destroy> {
public:
    using dims = std::initializer_list<brick_dim_t>;

    memory_desc(dims sizes, brick_data_type_t type, brick_format_tag_t tag)
    {
        create(brick_memory_desc_create_with_tag, static_cast<int>(sizes.size()), sizes.begin(), type, tag);
    }
    /// The same where the number of dimensions is not written in the program.
    memory_desc(const std::vector<brick_dim_t> &sizes, brick_data_type_t type, brick_format_tag_t tag)
    {
        create(brick_memory_desc_create_with_tag, static_cast<int>(sizes.size()), sizes.data(), type, tag);
    }
    memory_desc(dims sizes, brick_data_type_t type, dims strides)
    {
        if (strides.size() != sizes.size())
            throw error(brick_invalid_arguments, "memory_desc: as many strides as dimensions are needed");
        create(brick_memory_desc_create_with_strides, static_cast<int>(sizes.size()), sizes.begin(), type,
               strides.begin());
    }
    /// A copy of what a query gave.
    explicit memory_desc(const_brick_memory_desc_t other) { create(brick_memory_desc_clone, other); }

    std::size_t bytes() const noexcept { return brick_memory_desc_get_size(*this); }
};

/// A tensor: the caller's data, or data that it allocates itself.
class memory : public handle<brick_memory_t, brick_memory_destroy> {
public:
    memory(const_brick_memory_desc_t desc, const engine &engine, void *data = BRICK_MEMORY_ALLOCATE)
    {
        create(brick_memory_create, desc, engine, data);
    }

    template <typename T = void>
    T *data() const
    {
        void *data = nullptr;
        check(brick_memory_get_data_handle(*this, &data));
        return static_cast<T *>(data);
    }
};

class post_ops : public handle<brick_post_ops_t, brick_post_ops_destroy> {
public:
    post_ops() { create(brick_post_ops_create); }

    /// Appends by one of the functions brick_post_ops_append_*.
    template <typename Append, typename... Args>
    post_ops &append(Append function, Args &&...args)
    {
        check(function(get(), std::forward<Args>(args)...));
        return *this;
    }
};

class attr : public handle<brick_primitive_attr_t, brick_primitive_attr_destroy> {
public:
    attr() { create(brick_primitive_attr_create); }

    /// Sets by one of the functions brick_primitive_attr_set_*.
    template <typename Set, typename... Args>
    attr &set(Set function, Args &&...args)
    {
        check(function(get(), std::forward<Args>(args)...));
        return *this;
    }
};

/// What a primitive will do, made by one of the functions brick_*_primitive_desc_create.
class primitive_desc : public handle<brick_primitive_desc_t, brick_primitive_desc_destroy> {
public:
    template <typename Create, typename... Args>
    explicit primitive_desc(Create function, Args &&...args)
    {
        create(function, std::forward<Args>(args)...);
    }

    /// A descriptor that lives as long as this object, for instance of brick_query_weights_md; an absent one, of no bytes, where
    /// the primitive needs no such memory.
    const_brick_memory_desc_t query_md(brick_query_t what, int index = 0) const noexcept
    {
        return brick_primitive_desc_query_md(*this, what, index);
    }
};

class primitive : public handle<brick_primitive_t, brick_primitive_destroy> {
public:
    explicit primitive(const primitive_desc &desc) { create(brick_primitive_create, desc); }

    void execute(const stream &stream, std::initializer_list<brick_exec_arg_t> args) const
    {
        check(brick_primitive_execute(*this, stream, static_cast<int>(args.size()), args.begin()));
    }
    void execute(const stream &stream, const std::vector<brick_exec_arg_t> &args) const
    {
        check(brick_primitive_execute(*this, stream, static_cast<int>(args.size()), args.data()));
    }
};

} // namespace brick

#endif
