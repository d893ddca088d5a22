//! Steady state makes no heap allocation per frame on the submitting thread, except the packet handed out.
#![allow(clippy::expect_used, clippy::panic, reason = "a test that cannot go on says so by failing")]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use common::{config, device, pixels, view};
use inflight::contract::{Encoder, LockPlacement};

/// Counts the allocations of each thread.
struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches a thread-local number that needs no
// allocation itself.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        let _ = COUNT.try_with(|count| count.set(count.get() + 1));
        // SAFETY: the caller's promise.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations on this thread over `num_frames` submissions, after 50 to warm up.
fn allocations(lock: LockPlacement, num_frames: u64) -> u64 {
    let config = config(4, lock);
    let data = pixels(&config, 0);
    let device = device("virtual:latency_us=300,interval_us=100");
    // What the model says of its engine is noted too, as in a measured run.
    device.note_engine(50 + num_frames as usize);
    let mut encoder = device.encoder(&config, Box::new(drop)).expect("the device takes this configuration");
    let mut before = 0;
    for pts in 0..50 + num_frames {
        if pts == 50 {
            before = COUNT.get();
        }
        encoder.submit(&view(&config, &data, pts)).expect("a good frame is taken");
    }
    let made = COUNT.get() - before;
    encoder.finish().expect("a good stream ends well");
    made
}

#[test]
fn inline_allocates_one_packet_a_frame() {
    assert_eq!(allocations(LockPlacement::Inline, 500), 500);
}

#[test]
fn with_a_harvest_thread_the_submitting_thread_allocates_nothing() {
    assert_eq!(allocations(LockPlacement::Thread, 500), 0);
}

#[test]
fn polling_allocates_nothing_but_packets() {
    // Polling takes packets as they finish: at the two ends up to a queue's worth more or fewer than frames.
    let made = allocations(LockPlacement::Poll, 500);
    assert!((496..=504).contains(&made), "{made}");
}
