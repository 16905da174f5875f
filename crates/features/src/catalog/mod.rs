//! The features that Onhand comes with: what tells whether an item is really on the shelf.
//!
//! One file a family, each a list of definitions. `docs/features.md` says how to add one.

mod neighbours;
mod outside;
mod request;
mod sales;
mod shelf;
mod silence;
mod stock;

use crate::entity::Entity;
use crate::feature::FeatureSet;

/// The SKU at the location: what a request asks about.
const HERE: Entity = Entity::SkuAtLocation;
/// All SKUs of its category, at all locations.
const CATEGORY: Entity = Entity::Group("category");
/// All SKUs of its category, at its location.
const CATEGORY_HERE: Entity = Entity::GroupAtLocation("category");
/// All locations of its city.
const CITY: Entity = Entity::Region("city");
/// One SKU at all locations of its city.
const SKU_IN_CITY: Entity = Entity::SkuInRegion("city");
/// Half-life, in days, of what is usual: long enough for a rate, short enough for a season.
const USUALLY: u16 = 14;

/// All of them.
pub fn availability() -> FeatureSet {
    let families = [
        request::features(),
        sales::features(),
        shelf::features(),
        silence::features(),
        stock::features(),
        outside::features(),
        neighbours::features(),
    ];
    FeatureSet::new(families.concat()).expect("a test holds that the names differ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_differ_and_every_feature_says_what_it_means() {
        let set = availability();
        for feature in set.features() {
            assert!(feature.description.ends_with('.'), "{}", feature.name);
        }
    }

    /// A hash that changes makes every model trained before it unfit to serve: bump it knowingly.
    #[test]
    fn a_definitions_hash_is_stable() {
        let set = availability();
        let sold = &set.features()[set.position("sold_3h").unwrap()];
        assert_eq!(
            sold.to_string(),
            "sold_3h = sum(units_sold of sku at location, hours 1..=3)"
        );
        assert_eq!(sold.hash(), 10_322_478_645_180_332_973);
    }
}
