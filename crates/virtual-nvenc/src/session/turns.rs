//! A lock that is given in the order of asking: what a driver holds where a waiting call keeps others out.

use std::sync::{Condvar, Mutex, PoisonError};

/// The lock.
#[derive(Debug, Default)]
pub struct Turns {
    tickets: Mutex<Tickets>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Tickets {
    next: u64,
    served: u64,
}

/// Held until dropped.
pub struct Turn<'a>(&'a Turns);

impl Turns {
    /// Waits until everybody who asked before is done.
    pub fn take(&self) -> Turn<'_> {
        let mut tickets = self.tickets.lock().unwrap_or_else(PoisonError::into_inner);
        let own = tickets.next;
        tickets.next += 1;
        while tickets.served != own {
            tickets = self.changed.wait(tickets).unwrap_or_else(PoisonError::into_inner);
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.tickets.lock().unwrap_or_else(PoisonError::into_inner).served += 1;
        self.0.changed.notify_all();
    }
}
