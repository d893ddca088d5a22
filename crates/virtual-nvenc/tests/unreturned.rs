//! Handles that a client does not give back are counted. Of the whole process, so nothing else is done in it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot go on stops")]
#![allow(dead_code, unused_imports, reason = "a client that can do more")]

#[path = "abi/client.rs"]
mod client;

use client::*;
use virtual_nvenc::num_unreturned_handles;

#[test]
fn what_is_open_or_went_with_its_session_was_not_given_back() {
    let device = instant_device();
    let client = Client::ready(&device);
    assert_eq!(num_unreturned_handles(), 1, "a session");
    client.slot();
    assert_eq!(num_unreturned_handles(), 3, "with an input and an output");
    assert_eq!(client.destroy(), SUCCESS);
    assert_eq!(num_unreturned_handles(), 2, "which went with it");
}
