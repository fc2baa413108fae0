//! Carries log lines to stderr on a thread of its own: a reader that stops reading costs log
//! lines, never requests.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

// Lines that may wait while stderr is slow.
const LINES: usize = 4_096;

static PIPE: LazyLock<Pipe> = LazyLock::new(|| Pipe::open(io::stderr()));

/// The way to stderr, shared by the whole process.
pub(crate) fn stderr() -> &'static Pipe {
    &PIPE
}

pub(crate) struct Pipe {
    lines: SyncSender<Vec<u8>>,
    waiting: Arc<AtomicUsize>,
    lost: Arc<AtomicUsize>,
}

impl Pipe {
    pub(crate) fn open(target: impl Write + Send + 'static) -> Self {
        let (lines, queue) = sync_channel(LINES);
        let waiting = Arc::new(AtomicUsize::new(0));
        let lost = Arc::new(AtomicUsize::new(0));
        let counts = (Arc::clone(&waiting), Arc::clone(&lost));
        // Without the thread every line counts as lost, and the process goes on.
        let _ = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || carry(&queue, target, &counts.0, &counts.1));
        Self {
            lines,
            waiting,
            lost,
        }
    }

    fn send(&self, line: Vec<u8>) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) =
            self.lines.try_send(line)
        {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was logged so far is written, at most this long.
    pub(crate) fn flush(&self, patience: Duration) {
        let until = Instant::now() + patience;
        while self.waiting.load(Ordering::Relaxed) > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(2));
        }
    }
}

fn carry(
    queue: &Receiver<Vec<u8>>,
    mut target: impl Write,
    waiting: &AtomicUsize,
    lost: &AtomicUsize,
) {
    for line in queue {
        let missed = lost.swap(0, Ordering::Relaxed);
        if missed > 0 {
            let _ = writeln!(target, "{missed} log lines were lost: stderr was too slow");
        }
        // There is no place left to report a log that cannot be written.
        let _ = target.write_all(&line);
        waiting.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One log line on its way.
pub(crate) struct Line {
    pipe: &'static Pipe,
    bytes: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.pipe.send(std::mem::take(&mut self.bytes));
        }
    }
}

/// Makes a line per event.
pub(crate) struct Lines(pub(crate) &'static Pipe);

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line;

    fn make_writer(&'a self) -> Line {
        Line {
            pipe: self.0,
            bytes: Vec::with_capacity(256),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Slow(Arc<Mutex<Vec<u8>>>);

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_blocked_reader_costs_lines_and_no_time() {
        let target = Slow::default();
        let held = target.0.lock().unwrap();
        let pipe = Pipe::open(target.clone());
        for _ in 0..LINES + 100 {
            pipe.send(b"line\n".to_vec());
        }
        drop(held);
        pipe.flush(Duration::from_secs(5));
        pipe.send(b"last\n".to_vec());
        pipe.flush(Duration::from_secs(5));
        let text = String::from_utf8(target.0.lock().unwrap().clone()).unwrap();
        assert!(text.contains("log lines were lost"), "{}", text.len());
        assert!(text.ends_with("last\n"));
    }
}
