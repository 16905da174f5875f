//! What the OpenAPI document says of the field types of requests.

use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};

/// A string.
pub(super) fn text(description: &str, example: &str) -> ObjectBuilder {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    schema.description(Some(description)).examples([example])
}

/// A string that is a name.
pub(super) fn name(description: &str, example: &str) -> RefOr<Schema> {
    let schema = text(description, example)
        .min_length(Some(1))
        .max_length(Some(128));
    schema.pattern(Some("^[!-~]+$")).into()
}

/// A string that is a label.
pub(super) fn label(description: &str, example: &str) -> RefOr<Schema> {
    text(description, example)
        .min_length(Some(1))
        .max_length(Some(128))
        .into()
}

/// A string in a known format.
pub(super) fn formatted(description: &str, example: &str, format: KnownFormat) -> RefOr<Schema> {
    text(description, example)
        .format(Some(SchemaFormat::KnownFormat(format)))
        .into()
}

/// An integer within bounds.
pub(super) fn integer(description: &str, example: i64, bounds: (i64, i64)) -> RefOr<Schema> {
    let schema = ObjectBuilder::new().schema_type(Type::Integer);
    let schema = schema.description(Some(description)).examples([example]);
    schema
        .minimum(Some(bounds.0))
        .maximum(Some(bounds.1))
        .into()
}

/// Gives a type its schema.
macro_rules! described {
    ($type:ty, $schema:expr) => {
        impl utoipa::PartialSchema for $type {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                $schema
            }
        }

        impl utoipa::ToSchema for $type {}
    };
}

pub(super) use described;
