//! The ledger, and why a level is what it is.

use super::call::{Calls, level};
use crate::ledger::{LedgerQuery, read};
use crate::params::Limit;
use crate::problem::Denied;
use crate::stock::explain::{ExplainQuery, look};
use onhand_wire::json::read::Fault;
use onhand_wire::proto::ledger_server::Ledger;
use onhand_wire::proto::{
    ExplainLevelRequest, ExplainLevelResponse, ReadLedgerRequest, ReadLedgerResponse, optional,
    time,
};
use tonic::{Request, Response, Status};

#[tonic::async_trait]
impl Ledger for Calls {
    async fn read_ledger(
        &self,
        request: Request<ReadLedgerRequest>,
    ) -> Result<Response<ReadLedgerResponse>, Status> {
        let (_, message) = self.open(request)?;
        let query = asked(message).map_err(Denied::from)?;
        let found = read(&self.app, query, |answer| answer.into()).await?;
        Ok(Response::new(found))
    }

    async fn explain_level(
        &self,
        request: Request<ExplainLevelRequest>,
    ) -> Result<Response<ExplainLevelResponse>, Status> {
        let (_, message) = self.open(request)?;
        let (location, sku) = level(&message.location, &message.sku).map_err(Denied::from)?;
        let limit = limit(message.limit).map_err(Denied::from)?;
        let query = ExplainQuery { limit };
        let found = look(&self.app, location, sku, query, |told| told.into()).await?;
        Ok(Response::new(found))
    }
}

fn asked(message: ReadLedgerRequest) -> Result<LedgerQuery, Fault> {
    Ok(LedgerQuery {
        location: optional("/location", message.location)?,
        sku: optional("/sku", message.sku)?,
        from: time("/from", message.from)?,
        to: time("/to", message.to)?,
        limit: limit(message.limit)?,
        cursor: message.cursor,
    })
}

fn limit<const MOST: usize>(limit: Option<u32>) -> Result<Option<Limit<MOST>>, Fault> {
    optional("/limit", limit)
}
