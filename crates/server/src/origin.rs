//! Where a request comes from: how long its caller waits, and which tenant asks.
//!
//! Over HTTP the two headers are `Onhand-Timeout-Ms` and `Onhand-Tenant`; over gRPC the metadata are gRPC's own
//! `grpc-timeout` and `onhand-tenant`. The time counts from the moment at which the head is read, so what the body takes
//! to come in is part of it.
//!
//! A request whose time is over when its turn comes is not done. One that was begun in time is answered, however long the
//! disk then takes: a "no" that may be a "yes" helps nobody.
//!
//! A tenant is believed only where [`Options::tenants_from_header`] says so. There are no keys yet, so anybody may name
//! anybody, and whoever may name himself may be many. Where it does not, the header is not even looked at.
//!
//! [`Options::tenants_from_header`]: crate::Options::tenants_from_header

use crate::app::App;
use crate::key::is_identifier;
use crate::problem::Denied;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use onhand_core::name::NotAName;
use onhand_engine::{Moment, Origin, Tenant};
use onhand_wire::json::problem::Kind;
use std::ops::RangeInclusive;
use std::time::Duration;

/// A header that says where a request comes from.
struct Header {
    name: HeaderName,
    /// How the documents spell it.
    said: &'static str,
    rule: &'static str,
}

static TIMEOUT: Header = Header {
    name: HeaderName::from_static("onhand-timeout-ms"),
    said: "Onhand-Timeout-Ms",
    rule: "must be an integer from 1 to 600000",
};
/// Milliseconds: up to ten minutes.
const TIMEOUTS: RangeInclusive<u64> = 1..=600_000;

static TENANT: Header = Header {
    name: HeaderName::from_static("onhand-tenant"),
    said: "Onhand-Tenant",
    rule: NotAName::RULE,
};

impl App {
    /// Where a request over HTTP comes from.
    pub(crate) fn origin(&self, headers: &HeaderMap) -> Result<Origin, Denied> {
        let now = self.engine.clock().moment();
        self.origin_within(timeout(headers)?, now, headers)
    }

    /// Where a request comes from whose head came at `came`, and whose caller waits so long, if he says how long.
    pub(crate) fn origin_within(
        &self,
        timeout: Option<Duration>,
        came: Moment,
        headers: &HeaderMap,
    ) -> Result<Origin, Denied> {
        let tenant = match self.options.tenants_from_header {
            true => tenant(headers)?,
            false => Tenant::DEFAULT,
        };
        let deadline = timeout.map(|timeout| came.plus(timeout));
        Ok(Origin { tenant, deadline })
    }
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, Denied> {
    TIMEOUT.read(headers, |value| {
        let digits = value.to_str().ok()?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let millis = digits.parse().ok().filter(|_| is_number)?;
        (TIMEOUTS.contains(&millis)).then(|| Duration::from_millis(millis))
    })
}

fn tenant(headers: &HeaderMap) -> Result<Tenant, Denied> {
    let named = TENANT.read(headers, |value| {
        let name = value.to_str().ok().filter(|_| is_identifier(value))?;
        Some(Tenant::named(name))
    })?;
    Ok(named.unwrap_or(Tenant::DEFAULT))
}

impl Header {
    /// Reads the header, if it is there: once, and as its rule says.
    fn read<T>(
        &self,
        headers: &HeaderMap,
        read: impl FnOnce(&HeaderValue) -> Option<T>,
    ) -> Result<Option<T>, Denied> {
        let mut values = headers.get_all(&self.name).iter();
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => read(value).map(Some).ok_or_else(|| self.bad(self.rule)),
            (Some(_), Some(_)) => Err(self.bad("must be there once only")),
        }
    }

    fn bad(&self, rule: &str) -> Denied {
        let detail = format!("The header {} {rule}. Nothing was changed.", self.said);
        Denied::new(Kind::MalformedRequest, detail).parameter(self.said, rule)
    }
}
