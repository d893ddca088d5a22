//! A value that is made again only when what it is made from has changed.
//!
//! For what is quick to make; what takes longer than a frame is made by `made` on a thread.

/// The value for the newest key.
#[derive(Debug)]
pub struct Memo<K, V> {
    made: Option<(K, V)>,
}

impl<K, V> Default for Memo<K, V> {
    fn default() -> Self {
        Self { made: None }
    }
}

impl<K: PartialEq + Clone, V> Memo<K, V> {
    /// The value for `key`.
    pub fn of(&mut self, key: &K, make: impl FnOnce() -> V) -> &V {
        let known = self.made.take().filter(|(of, _)| of == key);
        &self.made.insert(known.unwrap_or_else(|| (key.clone(), make()))).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_once_for_each_key() {
        let (mut memo, mut num_made) = (Memo::default(), 0);
        for key in [1, 1, 2, 2, 1] {
            let value = memo.of(&key, || {
                num_made += 1;
                10 * key
            });
            assert_eq!(*value, 10 * key);
        }
        assert_eq!(num_made, 3);
    }
}
