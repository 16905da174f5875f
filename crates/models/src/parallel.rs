//! Threads whose number cannot be seen in a result.
//!
//! Work is cut into chunks of a fixed size; each thread takes a run of neighbouring chunks; what the chunks give comes
//! back in their order. Threads live for one call: a call is worth a few microseconds of starting them, or it runs on
//! the caller's thread alone.

/// How many threads a computation may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Threads(usize);

/// Rows in a chunk: small enough to stay in a core's cache, large enough to forget the cost of the loop around it.
pub(crate) const CHUNK: usize = 1 << 14;

impl Threads {
    pub(crate) fn new(count: usize) -> Self {
        Self(count.max(1))
    }

    pub(crate) fn count(self) -> usize {
        self.0
    }

    /// Calls `work` with each chunk of `data` and the index of its first element. Gives the results in order.
    pub(crate) fn chunks<T: Send, R: Send>(
        self,
        data: &mut [T],
        work: impl Fn(usize, &mut [T]) -> R + Sync,
    ) -> Vec<R> {
        let run = data.len().div_ceil(CHUNK).div_ceil(self.0).max(1) * CHUNK;
        let parts = data.chunks_mut(run).enumerate();
        let tasks = parts.map(|(index, part)| {
            let work = &work;
            move || in_chunks(index * run, part, work)
        });
        self.all(tasks.collect()).into_iter().flatten().collect()
    }

    /// Runs every task, each on a thread of its own (the last on this one). Gives the results in order.
    pub(crate) fn all<R: Send>(self, mut tasks: Vec<impl FnOnce() -> R + Send>) -> Vec<R> {
        let Some(last) = tasks.pop() else {
            return Vec::new();
        };
        std::thread::scope(|scope| {
            let started: Vec<_> = tasks.into_iter().map(|task| scope.spawn(task)).collect();
            let last = last();
            let joined = started.into_iter().map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            });
            joined
                .collect::<Vec<R>>()
                .into_iter()
                .chain([last])
                .collect()
        })
    }
}

fn in_chunks<T, R>(start: usize, part: &mut [T], work: &impl Fn(usize, &mut [T]) -> R) -> Vec<R> {
    part.chunks_mut(CHUNK)
        .enumerate()
        .map(|(index, chunk)| work(start + index * CHUNK, chunk))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_for_any_number_of_threads() {
        let sums = |threads| {
            let mut data: Vec<usize> = (0..5 * CHUNK + 3).collect();
            Threads::new(threads).chunks(&mut data, |start, chunk| {
                (start, chunk.iter().sum::<usize>())
            })
        };
        assert_eq!(sums(1).len(), 6);
        assert_eq!(sums(1), sums(2));
        assert_eq!(sums(1), sums(5));
    }
}
