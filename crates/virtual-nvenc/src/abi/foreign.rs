//! Typed access to structs in a client's memory. Only named fields are touched, each through a raw pointer of plain
//! integers: an enum value from a newer header, or a struct shorter than ours, does no harm.
//! This file knows how to read; which fields exist where is `layout`'s knowledge.

use std::ffi::c_void;
use std::marker::PhantomData;

use moq_nvenc::sys::nvEncodeAPI::GUID;

use crate::rules::Rule;
use crate::versions::{ApiVersion, Struct};

/// A struct of the API that starts with a version word.
pub trait Versioned {
    const STRUCT: Struct;
}

/// A struct in the client's memory, of the client's header version.
pub struct Foreign<S> {
    base: *mut u8,
    pub api: ApiVersion,
    owner: PhantomData<*mut S>,
}

/// Where a member of type `T` lies inside every supported version of `S` in which it is used.
pub struct Field<S, T> {
    offset: usize,
    owner: PhantomData<fn(S) -> T>,
}

/// Types of which every bit pattern is a value.
///
/// # Safety
/// Implementers have no invalid bit patterns and no padding.
pub unsafe trait Plain: Copy {}

// SAFETY: integers, raw pointers and the packed quadruple of integers that a GUID is take any bits.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for GUID {}
// SAFETY: integers without padding between them.
unsafe impl<T: Plain, const N: usize> Plain for [T; N] {}
// SAFETY: as above.
unsafe impl<T> Plain for *mut T {}

impl<S, T> Field<S, T> {
    /// # Safety
    /// A `T` lies at `offset` in `S`, in every header version in which the field is accessed.
    pub const unsafe fn at(offset: usize) -> Self {
        Field { offset, owner: PhantomData }
    }
}

impl<S: Versioned> Foreign<S> {
    /// Looks at a pointer from a client: not null, and the version word of the session's header.
    ///
    /// # Safety
    /// A `ptr` that is not null points to an `S` as the header `api` defines it, which stays valid and is used by
    /// nobody else for the duration of the call.
    pub unsafe fn new(ptr: *mut S, api: ApiVersion) -> Result<Self, Rule> {
        if ptr.is_null() {
            return Err(Rule::NullPointer);
        }
        // SAFETY: not null, and each versioned struct starts with its version word; the caller vouches for the rest.
        let word = unsafe { ptr.cast::<u32>().read_unaligned() };
        if word != S::STRUCT.word(api) {
            return Err(Rule::WrongVersion);
        }
        Ok(Foreign { base: ptr.cast(), api, owner: PhantomData })
    }
}

impl<S> Foreign<S> {
    pub fn get<T: Plain>(&self, field: Field<S, T>) -> T {
        // SAFETY: `new` saw the version word, and `Field::at` vouches that this version has a `T` there.
        unsafe { self.base.add(field.offset).cast::<T>().read_unaligned() }
    }

    pub fn set<T: Plain>(&self, field: Field<S, T>, value: T) {
        // SAFETY: as for `get`; the structs written to are in-out parameters, so the memory is writable.
        unsafe { self.base.add(field.offset).cast::<T>().write_unaligned(value) }
    }

    /// Clears the struct from its first byte on.
    ///
    /// # Safety
    /// The struct has at least `num_bytes` bytes in the header version of `api`.
    pub unsafe fn fill_zero(&self, num_bytes: usize) {
        // SAFETY: the caller vouches for the size, `new`'s caller for the memory.
        unsafe { self.base.write_bytes(0, num_bytes) };
    }

    /// One bit of a bit field, counted from the lowest.
    pub fn bit(&self, field: Field<S, u32>, bit: u32) -> bool {
        self.get(field) >> bit & 1 != 0
    }

    /// A struct embedded in this one.
    pub fn member<M>(&self, field: Field<S, M>) -> *mut M {
        self.base.wrapping_add(field.offset).cast()
    }
}

/// Writes a result through a pointer argument.
///
/// # Safety
/// A `ptr` that is not null points to writable memory for a `T`.
pub unsafe fn write_out<T: Plain>(ptr: *mut T, value: T) -> Result<(), Rule> {
    if ptr.is_null() {
        return Err(Rule::NullPointer);
    }
    // SAFETY: not null; the caller vouches for the rest.
    unsafe { ptr.write_unaligned(value) };
    Ok(())
}

/// Writes a list into a client's array of `capacity` entries and its length into `count`.
///
/// # Safety
/// As for [`write_out`], with `array` pointing to `capacity` entries.
pub unsafe fn write_list<T: Plain>(array: *mut T, capacity: u32, count: *mut u32, list: &[T]) -> Result<(), Rule> {
    if array.is_null() || count.is_null() {
        return Err(Rule::NullPointer);
    }
    if (capacity as usize) < list.len() {
        return Err(Rule::ArrayTooSmall);
    }
    for (index, entry) in list.iter().enumerate() {
        // SAFETY: `index` is below `capacity`, and the caller vouches for that many entries.
        unsafe { array.add(index).write_unaligned(*entry) };
    }
    // SAFETY: the caller vouches for `count`.
    unsafe { write_out(count, list.len() as u32) }
}

/// A handle argument or member: null is its own breach.
pub fn handle(ptr: *mut c_void) -> Result<crate::handles::Handle, Rule> {
    if ptr.is_null() { Err(Rule::NullPointer) } else { Ok(crate::handles::Handle::from_ptr(ptr)) }
}
