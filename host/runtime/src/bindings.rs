//! The host's side of the WIT contract, for all worlds at once.
//!
//! One world holds every import and every export, so that each type exists once. Which of them a stage gets is decided in `linker`, and
//! which exports are called in `stages`.

#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the documentation stands in `wit/`")]

wasmtime::component::bindgen!({
    path: ["../../wit/data", "../../wit/linalg", "../../wit/run", "../../wit/stage"],
    inline: "
        package sprag:host;

        world host {
            include sprag:stage/all-imports@0.1.0;
            import sprag:stage/train@0.1.0;
            import sprag:stage/score@0.1.0;

            export sprag:stage/sanity-check@0.1.0;
            export sprag:stage/unit-test@0.1.0;
            export sprag:stage/train@0.1.0;
            export sprag:stage/score@0.1.0;
            export sprag:stage/evaluate@0.1.0;
            export sprag:stage/register@0.1.0;
            export sprag:stage/%package@0.1.0;
            export sprag:stage/provision@0.1.0;
            export sprag:stage/deploy@0.1.0;
            export sprag:stage/smoke-test@0.1.0;
            export sprag:stage/notify@0.1.0;
            export sprag:stage/approve@0.1.0;
        }
    ",
    world: "sprag:host/host",
    imports: {
        "sprag:stage/models": async | trappable,
        "sprag:stage/train": async | trappable,
        "sprag:stage/score": async | trappable,
        "sprag:linalg/kernels": async | trappable,
        "sprag:run/mail": async | trappable,
        "sprag:run/services": async | trappable,
        "sprag:run/processes": async | trappable,
        default: trappable,
    },
    exports: { default: async },
    with: {
        "sprag:data/tables.table": sprag_data::Table,
        "sprag:data/tables.cursor": crate::host::tables::Cursor,
        "sprag:linalg/kernels.matrix": crate::host::linalg::MatrixHandle,
        "sprag:run/blobs.reader": crate::blobs::ReaderHandle,
        "sprag:run/blobs.writer": crate::blobs::WriterHandle,
        "sprag:run/processes.job": crate::host::processes::JobHandle,
        "sprag:run/secrets.secret": crate::outside::SecretHandle,
        "sprag:run/context.session": crate::session::SessionHandle,
        "sprag:stage/models.model": crate::model::ModelHandle,
        "sprag:stage/score.model": crate::scorer::ScorerHandle,
    },
});
