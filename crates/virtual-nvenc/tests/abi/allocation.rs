//! The encode loop allocates nothing once it runs: what a client measures is its own work and the engine's.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use moq_nvenc::sys::nvEncodeAPI as sys;

use crate::client::*;

/// The system's allocator, counting the allocations of each thread.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static NUM_ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator unchanged; the counter itself does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        NUM_ALLOCATIONS.set(NUM_ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promise is the one asked for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(ptr, layout) };
    }
}

fn check(change: impl FnOnce(&mut sys::NV_ENC_CONFIG)) {
    let device = device("latency_us=0,interval_us=0,clock=ramp:1s,throttle=every:2s");
    let client = Client::configured(&device, change);
    let slots: [Slot; 8] = client.slots();
    let round = |first: u64| {
        for (timestamp, slot) in (first..).zip(&slots) {
            assert_eq!(client.lock_input(slot.input, false).0, SUCCESS);
            assert_eq!(client.unlock_input(slot.input), SUCCESS);
            assert!([SUCCESS, NEED_MORE_INPUT].contains(&client.submit(*slot, timestamp)));
        }
        assert_eq!(client.end_of_stream(), SUCCESS);
        for slot in &slots {
            assert_eq!((client.lock(slot.output), client.unlock(slot.output)), (SUCCESS, SUCCESS));
        }
    };
    (0..4).for_each(|index| round(8 * index));
    let before = NUM_ALLOCATIONS.get();
    (4..12).for_each(|index| round(8 * index));
    assert_eq!(NUM_ALLOCATIONS.get() - before, 0);
    client.destroy();
}

#[test]
fn the_loop_allocates_nothing_without_b_pictures() {
    check(|_| {});
}

#[test]
fn the_loop_allocates_nothing_with_b_pictures_and_lookahead() {
    check(|config| {
        config.frameIntervalP = 3;
        config.rcParams.set_enableLookahead(1);
        config.rcParams.lookaheadDepth = 2;
    });
}
