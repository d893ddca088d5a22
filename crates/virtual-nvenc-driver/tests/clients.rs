//! Clients that behave badly, each a process of its own: the driver neither hangs nor crashes, and leaves nothing behind.
//!
//! The client is this test program itself, started again with a part to play.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]

#[path = "common/client.rs"]
mod client;
mod common;
#[path = "common/parts.rs"]
mod parts;

use std::io::{BufRead, BufReader};
use std::mem::ManuallyDrop;
use std::process::Child;
use std::time::Duration;

use client::Client;
use common::Drivers;
use moq_nvenc::sys::nvEncodeAPI as sys;
use parts::ended_well;

/// NVENCSTATUS.
const INVALID_ENCODER_DEVICE: u32 = 3;
const DEVICE: &str = "latency_us=2000,interval_us=1000";

impl Client {
    /// The status of locking a picture's output.
    fn try_lock(&self, picture: usize) -> u32 {
        let mut lock = sys::NV_ENC_LOCK_BITSTREAM {
            version: sys::NV_ENC_LOCK_BITSTREAM_VER,
            outputBitstream: self.slots[picture % self.slots.len()].1,
            ..Default::default()
        };
        // SAFETY: the driver filled the slot, and the argument lives through the call.
        unsafe { self.table.nvEncLockBitstream.unwrap()(self.encoder, &mut lock) as u32 }
    }

    /// Encodes pictures with as many in flight as there are slots, and leaves them so.
    fn encode(&self, num_pictures: usize) {
        (0..num_pictures).for_each(|picture| self.encode_one(picture));
    }
}

/// Plays the part that the environment names; in an ordinary run of the tests there is none.
#[test]
fn client() {
    let Some(part) = parts::part() else { return };
    match part.as_str() {
        "encode" => {
            let client = Client::open(4);
            client.encode(200);
            client.close();
        }
        "encode for ever" => {
            let client = Client::open(4);
            (0..usize::MAX).for_each(|picture| {
                client.encode_one(picture);
                if picture == 50 {
                    println!("encoding");
                }
            });
        }
        "unload in flight" => {
            let mut client = Client::open(4);
            client.encode(10);
            // SAFETY: nothing of the library is called after this.
            unsafe { ManuallyDrop::drop(&mut client.library) };
            // Long enough for the pictures in flight to be made by code that must still be there.
            std::thread::sleep(Duration::from_millis(50));
        }
        "fork in flight" => fork_in_flight(),
        other => panic!("no such part: {other}"),
    }
}

fn fork_in_flight() {
    let client = Client::open(4);
    client.encode(20);
    // SAFETY: the child calls the driver and ends at once; the other threads of this process hold nothing it needs.
    let child = unsafe { libc::fork() };
    if child == 0 {
        let own = Client::open(2);
        own.encode(10);
        // A copy of the parent's session, whose threads this process does not have: refused, not waited for.
        assert_eq!(client.try_lock(19), INVALID_ENCODER_DEVICE);
        // SAFETY: the driver filled the slot.
        let status = unsafe { client.table.nvEncDestroyEncoder.unwrap()(client.encoder) } as u32;
        assert_eq!(status, INVALID_ENCODER_DEVICE);
        own.close();
        // SAFETY: ends the child without running anything of the test's.
        unsafe { libc::_exit(0) };
    }
    assert!(child > 0);
    (16..20).for_each(|picture| client.reap(picture));
    client.close();
    let mut status = 0;
    // SAFETY: the child is ours, and the status lives through the call.
    assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
    assert_eq!(status, 0);
}

fn start(drivers: &Drivers, part: &str) -> Child {
    parts::start(drivers.command(std::env::current_exe().unwrap(), DEVICE), "client", part)
}

#[test]
fn eight_clients_at_once() {
    let drivers = Drivers::new();
    let clients: Vec<_> = (0..8).map(|_| start(&drivers, "encode")).collect();
    clients.into_iter().for_each(|client| ended_well(client, "one of eight"));
}

#[test]
fn a_killed_client_leaves_nothing_behind() {
    let drivers = Drivers::new();
    let mut client = start(&drivers, "encode for ever");
    let mut lines = BufReader::new(client.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("encoding")));
    client.kill().unwrap();
    assert_eq!(client.wait().unwrap().code(), None, "killed, not ended by itself");
    let left: Vec<_> = std::fs::read_dir(drivers.path()).unwrap().collect();
    assert_eq!(left.len(), 2, "{left:?}");
    ended_well(start(&drivers, "encode"), "the next client");
}

#[test]
fn a_library_closed_with_pictures_in_flight_stays_mapped() {
    ended_well(start(&Drivers::new(), "unload in flight"), "unload in flight");
}

#[test]
fn a_forked_client_encodes_on_its_own() {
    ended_well(start(&Drivers::new(), "fork in flight"), "fork in flight");
}
