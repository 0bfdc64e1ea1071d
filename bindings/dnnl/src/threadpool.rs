//! The application's thread pool, a C++ object behind oneDNN's `threadpool_iface`.
//!
//! The object is called through its vtable, whose first four slots oneDNN keeps stable, with a `std::function` laid out as
//! libstdc++ does; both are small enough that no C++ compiler is needed to build this library.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::ptr::null_mut;
use std::sync::{Condvar, Mutex, PoisonError};

use brick::threads::{Panics, Pool};

/// The runtime's number in `dnnl_version_t`.
pub const ID: u32 = 8;
/// The runtime's name in verbose lines.
pub const NAME: &str = "Threadpool";
/// The pool of this flavour.
pub static POOL: Current = Current;

thread_local! {
    /// The pool that this thread's calls without a stream run on.
    static CURRENT: Cell<*mut Iface> = const { Cell::new(null_mut()) };
    /// What plans made on this thread assume; 0 until the application says.
    static CONCURRENCY: Cell<c_int> = const { Cell::new(0) };
}

/// The pool of calls that bring none: plans for the concurrency that the application announced, runs inline, unless
/// [`with_pool`] lends one.
pub struct Current;

impl Pool for Current {
    fn len(&self) -> usize {
        concurrency() as usize
    }

    fn is_concurrent(&self) -> bool {
        false
    }

    fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        // SAFETY: `with_pool` lends only live pools.
        match unsafe { CURRENT.get().as_ref() } {
            Some(pool) => pool.run(n, f),
            None => (0..n).for_each(f),
        }
    }
}

/// Sets what plans made on this thread assume.
pub fn set_concurrency(threads: c_int) {
    CONCURRENCY.set(threads.max(1));
}

/// What plans made on this thread assume: all cores, unless the application says otherwise.
pub fn concurrency() -> c_int {
    match CONCURRENCY.get() {
        0 => brick::machine::cores() as c_int,
        threads => threads,
    }
}

/// Runs `f` with `pool` as this thread's current pool.
///
/// # Safety
/// `pool` is null or a `threadpool_iface` that lives until `f` returns.
pub unsafe fn with_pool<T>(pool: *mut c_void, f: impl FnOnce() -> T) -> T {
    struct Restore(*mut Iface);
    impl Drop for Restore {
        fn drop(&mut self) {
            CURRENT.set(self.0);
        }
    }
    let _restore = Restore(CURRENT.replace(pool.cast()));
    f()
}

/// A C++ object of a class derived from `dnnl::threadpool_interop::threadpool_iface`.
#[repr(C)]
pub struct Iface {
    vtable: &'static Vtable,
}

#[repr(C)]
struct Vtable {
    get_num_threads: unsafe extern "C" fn(*const Iface) -> c_int,
    get_in_parallel: unsafe extern "C" fn(*const Iface) -> bool,
    parallel_for: unsafe extern "C" fn(*const Iface, c_int, *const Function),
    get_flags: unsafe extern "C" fn(*const Iface) -> u64,
}

/// `threadpool_iface::ASYNCHRONOUS`: `parallel_for` may return before the parts have run.
const ASYNCHRONOUS: u64 = 1;

impl Iface {
    /// The parts that the pool runs at once.
    pub fn threads(&self) -> c_int {
        // SAFETY: a live C++ object answers its virtual functions.
        unsafe { (self.vtable.get_num_threads)(self) }.max(1)
    }

    /// As [`Pool::run`].
    pub fn run(&self, n: usize, f: &(dyn Fn(usize) + Sync)) {
        // SAFETY: as in `threads`.
        let nested = unsafe { (self.vtable.get_in_parallel)(self) };
        if n <= 1 || nested {
            return (0..n).for_each(f);
        }
        let region = Region {
            f,
            panics: Panics::default(),
            pending: Mutex::new(n),
            finished: Condvar::new(),
        };
        let function = Function::new(&region);
        // SAFETY: as in `threads`; region and function live until all parts have run, by contract when a synchronous
        // pool returns, and else because this waits for them.
        unsafe {
            (self.vtable.parallel_for)(self, n as c_int, &function);
            if (self.vtable.get_flags)(self) & ASYNCHRONOUS != 0 {
                region.wait();
            }
        }
        region.panics.rethrow();
    }
}

/// One call of `run`.
struct Region<'a> {
    f: &'a (dyn Fn(usize) + Sync),
    panics: Panics,
    pending: Mutex<usize>,
    finished: Condvar,
}

impl Region<'_> {
    fn part(&self, i: usize) {
        self.panics.catch(|| (self.f)(i));
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        *pending -= 1;
        if *pending == 0 {
            // Under the lock: once it is free the waiting thread may take the region away.
            self.finished.notify_one();
        }
    }

    fn wait(&self) {
        let pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.finished.wait_while(pending, |pending| *pending > 0));
    }
}

/// libstdc++'s `std::function<void(int, int)>`, holding a pointer to a region.
#[repr(C)]
struct Function {
    held: Held,
    manager: unsafe extern "C" fn(to: *mut Held, from: *const Held, operation: c_int) -> bool,
    invoker: unsafe extern "C" fn(held: *const Held, i: *const c_int, n: *const c_int),
}

/// Its local storage (`_Any_data`).
#[derive(Clone, Copy)]
#[repr(C)]
struct Held {
    region: *const c_void,
    unused: *const c_void,
}

impl Function {
    fn new(region: &Region) -> Function {
        let region = (&raw const *region).cast();
        Function {
            held: Held {
                region,
                unused: null_mut(),
            },
            manager: manage,
            invoker: invoke,
        }
    }
}

/// `_M_manager`: answers for the type held, copies it, destroys it.
unsafe extern "C" fn manage(to: *mut Held, from: *const Held, operation: c_int) -> bool {
    const TYPE_INFO: c_int = 0;
    const POINTER: c_int = 1;
    const CLONE: c_int = 2;
    // SAFETY: libstdc++ passes two live storages for these operations.
    unsafe {
        match operation {
            TYPE_INFO => (*to).region = null_mut(),
            POINTER => (*to).region = from.cast(),
            CLONE => *to = *from,
            _ => {}
        }
    }
    false
}

/// `_M_invoker`: the call itself.
unsafe extern "C" fn invoke(held: *const Held, i: *const c_int, _n: *const c_int) {
    // SAFETY: the storage holds the region of a `run` that has not returned; see there.
    let (region, i) = unsafe { (&*(*held).region.cast::<Region>(), *i) };
    region.part(i as usize);
}
