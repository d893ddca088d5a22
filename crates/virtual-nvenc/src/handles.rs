//! Handles given to clients, and the kind of list they are looked up in.
//! A handle is a number that was never an address: a foreign or stale one is looked up and not found, never followed.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// What a client holds instead of a pointer; unique in the process and never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(usize);

impl Handle {
    pub fn new() -> Handle {
        // Aligned like an allocation, in case a client keeps flags in the lower bits.
        static NEXT: AtomicUsize = AtomicUsize::new(1);
        Handle(NEXT.fetch_add(1, Ordering::Relaxed) << 4)
    }

    pub fn from_ptr(ptr: *mut c_void) -> Handle {
        Handle(ptr.addr())
    }

    pub fn as_ptr(self) -> *mut c_void {
        std::ptr::without_provenance_mut(self.0)
    }
}

/// Objects by handle. Its lock is held for a lookup only, never while a call works or waits.
pub struct Registry<T>(RwLock<BTreeMap<Handle, Arc<T>>>);

impl<T> Registry<T> {
    pub const fn new() -> Self {
        Registry(RwLock::new(BTreeMap::new()))
    }

    pub fn insert(&self, handle: Handle, object: Arc<T>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).insert(handle, object);
    }

    pub fn find(&self, handle: Handle) -> Option<Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned()
    }

    /// All of them, as they are now.
    pub fn all(&self) -> Vec<Arc<T>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Takes the object out; of two callers only one gets it.
    pub fn remove(&self, handle: Handle) -> Option<Arc<T>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(&handle)
    }
}
