//! A lane: its connections, what they share, and what all sessions do alike.

use super::connection::open;
use crate::arrivals::{Arrivals, Nanos};
use crate::book::{Book, Pending};
use crate::clerk::Clerk;
use crate::lane::{Carrier, Lane, Place, Target};
use crate::timer::Timer;
use crate::work::{Ask, Operation};
use bytes::Bytes;
use futures_util::future::{join_all, try_join_all};
use h2::client::SendRequest;
use http::{HeaderMap, HeaderValue, Uri};
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::runtime;
use tokio::task::LocalSet;
use tokio::time::{Interval, interval, sleep};

/// How often the end is looked for when nothing comes in any more.
const TICK: Duration = Duration::from_millis(50);

/// Asks until nothing is due any more, and waits for the answers.
///
/// # Errors
/// The server cannot be reached at the start. Later, what goes wrong with a connection is an error of its requests.
pub(crate) fn drive(target: &Target, lane: Lane, place: Place<'_>) -> io::Result<Book> {
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let shared = Shared {
        target,
        headers: headers(target, &lane.workload.recipe().tenants.names()),
        paths: Operation::ALL.map(path),
        clerk: RefCell::new(Clerk::new(target, lane.workload)),
        arrivals: RefCell::new(lane.arrivals),
    };
    LocalSet::new().block_on(&runtime, async {
        let sessions = (0..lane.connections).map(|_| Session::open(&shared, lane.depth));
        let sessions = try_join_all(sessions).await;
        drop(place);
        join_all(sessions?.into_iter().map(Session::run)).await;
        Ok::<_, io::Error>(())
    })?;
    let mut clerk = shared.clerk.into_inner();
    clerk.never_sent(&mut shared.arrivals.into_inner());
    Ok(clerk.book)
}

/// What the sessions of a lane share.
pub(super) struct Shared<'a> {
    pub(super) target: &'a Target,
    pub(super) clerk: RefCell<Clerk<'a>>,
    arrivals: RefCell<Arrivals>,
    /// By tenant.
    headers: Vec<HeaderMap>,
    /// By operation.
    paths: [Uri; Operation::ALL.len()],
}

/// One connection's share of a lane.
pub(super) struct Session<'s, 'a> {
    pub(super) shared: &'s Shared<'a>,
    /// Requests in flight at most.
    pub(super) depth: usize,
    calls: SendRequest<Bytes>,
    timer: AsyncFd<Timer>,
    tick: RefCell<Interval>,
    /// Since when there is room for a request.
    free_since: Cell<Nanos>,
    /// When nothing new became due any more.
    ended: Cell<Option<Nanos>>,
}

impl<'s, 'a> Session<'s, 'a> {
    async fn open(shared: &'s Shared<'a>, depth: usize) -> io::Result<Self> {
        Ok(Self {
            shared,
            depth,
            calls: open(shared.target.address).await?,
            timer: listened_to(Timer::new()?)?,
            tick: RefCell::new(interval(TICK)),
            free_since: Cell::new(0),
            ended: Cell::new(None),
        })
    }

    /// Asks until the end; a connection that breaks is opened again.
    async fn run(mut self) {
        loop {
            let done = match self.shared.target.carrier {
                Carrier::GrpcStream => self.stream(&self.calls).await,
                _ => self.unary(&self.calls).await,
            };
            if done.is_ok() || self.is_over() {
                return;
            }
            sleep(TICK).await;
            // A server that has gone away is no failure of the generator: the book shows it.
            let Ok(again) = open(self.shared.target.address).await else {
                return;
            };
            self.calls = again;
            self.has_room_now();
        }
    }

    pub(super) fn headers(&self, tenant: usize) -> &HeaderMap {
        &self.shared.headers[tenant]
    }

    pub(super) fn path(&self, operation: Operation) -> &Uri {
        &self.shared.paths[operation as usize]
    }

    /// The next request, if one is due.
    pub(super) fn take_due(&self) -> Option<(Ask, Pending)> {
        let now = self.shared.target.now();
        let due = self.shared.arrivals.borrow_mut().take(now)?;
        let clerk = &mut *self.shared.clerk.borrow_mut();
        let (ask, pending) = clerk.next(due);
        let free_since = self.free_since.get();
        let late_by = now.saturating_sub(due.max(free_since));
        clerk.book.sent(due, late_by, due < free_since);
        Some((ask, pending))
    }

    /// An answer has made room where there was none.
    pub(super) fn has_room_now(&self) {
        self.free_since.set(self.shared.target.now());
    }

    /// Whether nothing is to come any more.
    pub(super) fn is_over(&self) -> bool {
        self.shared
            .arrivals
            .borrow()
            .are_over(self.shared.target.now())
    }

    /// Waits until something is due that there is room for.
    pub(super) async fn until_due(&self) {
        let next = self.shared.arrivals.borrow().next_due();
        let set = next.map(|due| self.timer.get_ref().set(due, self.shared.target.now()));
        match set {
            Some(Ok(())) => match self.timer.readable().await {
                Ok(mut readable) => readable.clear_ready(),
                Err(_) => sleep(TICK).await,
            },
            Some(Err(_)) => sleep(TICK).await,
            None => std::future::pending().await,
        }
    }

    /// Waits for a moment, and says whether it is too long that answers are waited for.
    pub(super) async fn tick(&self) -> bool {
        poll_fn(|context| self.tick.borrow_mut().poll_tick(context)).await;
        let now = self.shared.target.now();
        if self.ended.get().is_none() && self.shared.arrivals.borrow().have_ended(now) {
            self.ended.set(Some(now));
        }
        let ended = self.ended.get();
        ended.is_some_and(|ended| now >= ended.saturating_add(self.shared.target.grace))
    }
}

/// The runtime wakes whoever waits for the timer.
#[expect(
    deprecated,
    reason = "what is to take its place is unsafe; a timer owns its descriptor, so there is no danger in this one"
)]
fn listened_to(timer: Timer) -> io::Result<AsyncFd<Timer>> {
    AsyncFd::with_interest(timer, Interest::READABLE)
}

/// The headers of every call, by tenant.
fn headers(target: &Target, tenants: &[Option<&str>]) -> Vec<HeaderMap> {
    let headers = tenants.iter().map(|tenant| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/grpc"));
        headers.insert("te", HeaderValue::from_static("trailers"));
        let said = |text: &str| HeaderValue::from_str(text).expect("visible ASCII");
        if let Some(tenant) = tenant {
            headers.insert("onhand-tenant", said(tenant));
        }
        if let Some(timeout_ms) = target.timeout_ms {
            headers.insert("grpc-timeout", said(&format!("{timeout_ms}m")));
        }
        headers
    });
    headers.collect()
}

fn path(operation: Operation) -> Uri {
    Uri::from_static(match operation {
        Operation::Receipt => "http://onhand/onhand.v1.Stock/ReceiveGoods",
        Operation::Reserve => "http://onhand/onhand.v1.Reservations/Reserve",
        Operation::Batch => "http://onhand/onhand.v1.Reservations/ReserveBatch",
        Operation::Confirm => "http://onhand/onhand.v1.Reservations/Confirm",
        Operation::Release => "http://onhand/onhand.v1.Reservations/Release",
        Operation::Read => "http://onhand/onhand.v1.Stock/Availability",
        Operation::Predict => "http://onhand/onhand.v1.Predictions/PredictAvailability",
    })
}
