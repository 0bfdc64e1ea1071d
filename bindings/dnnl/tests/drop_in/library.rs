//! A shared library of this workspace, loaded at run time.

use std::ffi::{CStr, CString, c_int, c_void};
use std::path::PathBuf;

/// A loaded library; it stays loaded.
pub struct Library(*mut c_void);

// SAFETY: dlopen's handles may be used from any thread.
unsafe impl Send for Library {}
// SAFETY: as above, from several at once.
unsafe impl Sync for Library {}

impl Library {
    /// The library of that file name that cargo built along with this test.
    pub fn path(file: &str) -> PathBuf {
        let test = std::env::current_exe().expect("a running program has a path");
        test.with_file_name(file)
    }

    /// Loads a library, RTLD_LOCAL or RTLD_GLOBAL.
    pub fn open(file: &str, scope: c_int) -> Library {
        let path = CString::new(Self::path(file).into_os_string().into_encoded_bytes())
            .expect("paths hold no NUL");
        // SAFETY: the libraries' initialisers accept any program.
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | scope) };
        assert!(!handle.is_null(), "{:?}", {
            // SAFETY: dlopen has just failed, so there is a message.
            unsafe { CStr::from_ptr(libc::dlerror()) }
        });
        Library(handle)
    }

    /// The address of an exported function as a function pointer.
    ///
    /// # Safety
    /// `F` is a function pointer with the function's signature.
    pub unsafe fn function<F: Copy>(&self, name: &str) -> F {
        let name = CString::new(name).expect("a name holds no NUL");
        // SAFETY: the handle is live, the name terminated.
        let address = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!address.is_null(), "{name:?} is not exported");
        assert_eq!(size_of::<F>(), size_of_val(&address));
        // SAFETY: as this function demands.
        unsafe { std::mem::transmute_copy(&address) }
    }
}
