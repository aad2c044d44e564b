//! What a service answers with, found in a project's store or in the folder of a bundle: [`sprag_serve`] itself knows neither.

mod bundle;
mod challengers;
mod drift;
mod sources;
mod version;

pub(crate) use challengers::set_up;
pub(crate) use drift::drift;
pub(crate) use sources::sources;

use sprag_data::{DType, Field};
use sprag_runtime::Signature;
use sprag_schemas::record::{ModelField, ModelRecord};
use sprag_serve::CatalogError;

/// The columns that the record of a model says it has.
fn signature(model: &ModelRecord) -> Result<Signature, CatalogError> {
    let field = |field: &ModelField| {
        let dtype: DType = field.dtype.parse().map_err(|error| CatalogError(format!("the column `{}`: {error}", field.name)))?;
        Ok(Field { name: field.name.clone(), dtype, nullable: false })
    };
    let fields = |fields: &[ModelField]| fields.iter().map(field).collect::<Result<_, CatalogError>>();
    Ok(Signature { inputs: fields(&model.inputs)?, outputs: fields(&model.outputs)? })
}
