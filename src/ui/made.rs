//! A model that is made on a thread of its own when what it is made from changes; until it is there, the one before is
//! shown.
//!
//! Knows neither models nor egui: the caller says how to make one and whom to tell.

use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

/// The model for a key, or on its way.
#[derive(Debug)]
pub struct Made<K, V> {
    ready: Option<(K, V)>,
    making: Option<(K, Receiver<V>)>,
}

impl<K, V> Default for Made<K, V> {
    fn default() -> Self {
        Self { ready: None, making: None }
    }
}

impl<K: Copy + PartialEq, V: Send + 'static> Made<K, V> {
    /// Sees to it that there is, or soon will be, a model for `key`: it is made by `prepare`'s closure, unless another
    /// is still on its way. `tell` is called once it is there.
    pub fn refresh<M: FnOnce() -> V + Send + 'static>(
        &mut self,
        key: K,
        prepare: impl FnOnce(Option<&V>) -> M,
        tell: impl FnOnce() + Send + 'static,
    ) {
        self.take_up();
        if self.making.is_some() || self.current(key).is_some() {
            return;
        }
        let make = prepare(self.newest());
        let (sender, receiver) = channel();
        thread::spawn(move || {
            // Nobody is there to take it where the window was closed meanwhile.
            let _ = sender.send(make());
            tell();
        });
        self.making = Some((key, receiver));
    }

    /// The newest model there is, whatever its key.
    pub fn newest(&self) -> Option<&V> {
        self.ready.as_ref().map(|(_, value)| value)
    }

    /// The model for this very key, if it is there.
    pub fn current(&self, key: K) -> Option<&V> {
        self.ready.as_ref().filter(|(ready, _)| *ready == key).map(|(_, value)| value)
    }

    /// Waits for the model that is on its way: for tests and benches.
    pub fn settle(&mut self) {
        if let Some((key, receiver)) = self.making.take()
            && let Ok(value) = receiver.recv()
        {
            self.ready = Some((key, value));
        }
    }

    fn take_up(&mut self) {
        let Some((key, receiver)) = self.making.take() else { return };
        match receiver.try_recv() {
            Ok(value) => self.ready = Some((key, value)),
            Err(TryRecvError::Empty) => self.making = Some((key, receiver)),
            // Its thread is gone without an answer; the next call starts another.
            Err(TryRecvError::Disconnected) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_for_each_key_from_the_one_before() {
        let mut made: Made<u32, Vec<u32>> = Made::default();
        let ask = |made: &mut Made<u32, Vec<u32>>, key| {
            let prepare = |previous: Option<&Vec<u32>>| {
                let mut value = previous.cloned().unwrap_or_default();
                move || {
                    value.push(key);
                    value
                }
            };
            made.refresh(key, prepare, || {});
            made.newest().cloned()
        };
        assert_eq!(ask(&mut made, 1), None);
        made.settle();
        assert_eq!(ask(&mut made, 1), Some(vec![1]));
        assert_eq!(ask(&mut made, 2), Some(vec![1]));
        made.settle();
        assert_eq!(ask(&mut made, 2), Some(vec![1, 2]));
        assert_eq!((made.current(1), made.current(2)), (None, Some(&vec![1, 2])));
    }
}
