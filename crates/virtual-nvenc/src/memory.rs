//! Pixel memory that a client writes through a pointer and the payload thread reads: made here, or the client's own.
//! It knows neither formats nor who may write when; that is kept by `buffers` and `submit`.

use std::cell::UnsafeCell;
use std::fmt::Debug;
use std::sync::{Arc, PoisonError, RwLock};

/// Memory at a fixed address. What was made here is page-aligned, zeroed, and freed when the last holder lets go.
pub enum Memory {
    Own(Box<[UnsafeCell<Page>]>),
    /// A resource that the client mapped, until it is unmapped.
    Client(ClientMemory),
}

/// Reads memory that this process cannot reach through a pointer: a GPU's.
pub trait DeviceReader: Debug + Send + Sync {
    /// Hands the `num_bytes` bytes of device memory at `address` to `use_them`; answers false where they cannot be read.
    fn with_bytes(&self, address: usize, num_bytes: usize, use_them: &mut dyn FnMut(&[u8])) -> bool;
}

/// The client's memory, readable as long as the gate is open.
pub struct ClientMemory {
    ptr: *const u8,
    num_bytes: usize,
    /// Who reads it; `None`: whoever has its address.
    reader: Option<Arc<dyn DeviceReader>>,
    is_mapped: RwLock<bool>,
}

const PAGE_BYTES: usize = 4096;

#[repr(align(4096))]
pub struct Page(#[expect(dead_code, reason = "reached through pointers to the page only")] [u8; PAGE_BYTES]);

// SAFETY: the pages are plain bytes in an UnsafeCell; they are reached only through the pointer of `as_mut_ptr`, whose
// user answers for the order of accesses, and through `read`, whose caller does. The client's pointer is only read
// from, behind its gate.
unsafe impl Sync for Memory {}
// SAFETY: as above; plain bytes belong to no thread.
unsafe impl Send for Memory {}

impl ClientMemory {
    pub fn is_at(&self, ptr: *const u8) -> bool {
        self.ptr == ptr
    }
}

impl Memory {
    /// At least `num_bytes` bytes, or nothing where the system has no memory left.
    pub fn new(num_bytes: usize) -> Option<Memory> {
        let num_pages = num_bytes.div_ceil(PAGE_BYTES);
        let mut pages = Vec::new();
        pages.try_reserve_exact(num_pages).ok()?;
        pages.resize_with(num_pages, || UnsafeCell::new(Page([0; PAGE_BYTES])));
        Some(Memory::Own(pages.into_boxed_slice()))
    }

    /// Memory of the client's.
    pub fn of_client(ptr: *const u8, num_bytes: usize, reader: Option<Arc<dyn DeviceReader>>) -> Memory {
        Memory::Client(ClientMemory { ptr, num_bytes, reader, is_mapped: RwLock::new(true) })
    }

    /// Where clients write; valid as long as the value lives. Nothing for the client's own memory, whose address it has.
    pub fn as_mut_ptr(&self) -> Option<*mut u8> {
        match self {
            Memory::Own(pages) => Some(UnsafeCell::raw_get(pages.as_ptr()).cast()),
            Memory::Client(_) => None,
        }
    }

    /// Hands the bytes as they are now to `use_them`; nothing where the client has taken its memory back.
    ///
    /// # Safety
    /// Nobody writes to the memory while the slice is in use, and a client's memory exists until it is unmapped.
    pub unsafe fn read<R>(&self, use_them: impl FnOnce(&[u8]) -> R) -> Option<R> {
        match self {
            // SAFETY: the pages lie behind each other without gaps, are initialised and live as long as `self`; the
            // caller vouches that nobody writes.
            Memory::Own(pages) => Some(use_them(unsafe {
                std::slice::from_raw_parts(UnsafeCell::raw_get(pages.as_ptr()).cast(), pages.len() * PAGE_BYTES)
            })),
            Memory::Client(client) => {
                let is_mapped = client.is_mapped.read().unwrap_or_else(PoisonError::into_inner);
                if !*is_mapped {
                    return None;
                }
                match &client.reader {
                    Some(reader) => read_by(&**reader, client, use_them),
                    // SAFETY: while the gate is held open the client has not been told that its memory is free; the caller
                    // vouches for the rest.
                    None => Some(use_them(unsafe { std::slice::from_raw_parts(client.ptr, client.num_bytes) })),
                }
            }
        }
    }

    /// The client gets its memory back: waits for a reader, and lets no other in.
    pub fn give_back(&self) {
        if let Memory::Client(client) = self {
            *client.is_mapped.write().unwrap_or_else(PoisonError::into_inner) = false;
        }
    }
}

fn read_by<R>(reader: &dyn DeviceReader, client: &ClientMemory, use_them: impl FnOnce(&[u8]) -> R) -> Option<R> {
    let (mut use_them, mut result) = (Some(use_them), None);
    reader.with_bytes(client.ptr.addr(), client.num_bytes, &mut |bytes| {
        result = use_them.take().map(|use_them| use_them(bytes));
    });
    result
}
