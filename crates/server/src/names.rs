//! Names for the numbers of one partition, from its read table.

use onhand_core::{LevelNo, LocationId, LocationNo};
use onhand_engine::{Engine, ReadTable};
use onhand_wire::json::Names;

/// The names of one partition. The table shows a name before the entry that opened it is answered.
pub(crate) struct TableNames<'a> {
    engine: &'a Engine,
    table: &'a ReadTable,
    partition: u16,
}

impl<'a> TableNames<'a> {
    pub(crate) fn of(engine: &'a Engine, partition: u16) -> Self {
        Self {
            engine,
            table: engine.table(partition),
            partition,
        }
    }
}

impl Names for TableNames<'_> {
    fn of_level(&self, level: LevelNo) -> (&str, &str) {
        self.table.names(level)
    }

    fn of_location(&self, location: LocationNo) -> &str {
        self.table.location_name(location)
    }

    fn partition_of(&self, location: &str) -> u16 {
        LocationId::new(location).map_or(0, |location| self.engine.partition_of(&location))
    }

    fn partition(&self) -> u16 {
        self.partition
    }
}
