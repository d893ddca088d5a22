//! Pixel memory that a client writes through a pointer and the payload thread reads.
//! It knows neither formats nor who may write when; that is kept by `buffers` and `submit`.

use std::cell::UnsafeCell;

/// Page-aligned and zeroed memory at a fixed address, freed when the last holder lets go.
pub struct Memory {
    pages: Box<[UnsafeCell<Page>]>,
}

const PAGE_BYTES: usize = 4096;

#[repr(align(4096))]
struct Page(#[expect(dead_code, reason = "reached through pointers to the page only")] [u8; PAGE_BYTES]);

// SAFETY: the pages are plain bytes in an UnsafeCell; they are reached only through the pointer of `as_mut_ptr`, whose
// user answers for the order of accesses, and through `bytes`, whose caller does.
unsafe impl Sync for Memory {}

impl Memory {
    /// At least `num_bytes` bytes, or nothing where the system has no memory left.
    pub fn new(num_bytes: usize) -> Option<Memory> {
        let num_pages = num_bytes.div_ceil(PAGE_BYTES);
        let mut pages = Vec::new();
        pages.try_reserve_exact(num_pages).ok()?;
        pages.resize_with(num_pages, || UnsafeCell::new(Page([0; PAGE_BYTES])));
        Some(Memory { pages: pages.into_boxed_slice() })
    }

    /// Where clients write; valid as long as the value lives.
    pub fn as_mut_ptr(&self) -> *mut u8 {
        UnsafeCell::raw_get(self.pages.as_ptr()).cast()
    }

    /// The bytes as they are now.
    ///
    /// # Safety
    /// Nobody writes to the memory while the slice is in use.
    pub unsafe fn bytes(&self) -> &[u8] {
        // SAFETY: the pages lie behind each other without gaps, are initialised and live as long as `self`; the caller
        // vouches that nobody writes.
        unsafe { std::slice::from_raw_parts(self.as_mut_ptr(), self.pages.len() * PAGE_BYTES) }
    }
}
