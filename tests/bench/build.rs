//! Builds the benchmark's guest.

#[expect(clippy::print_stdout, reason = "this is how a build script talks to cargo")]
fn main() {
    let built = sprag_guest_build::build(&["bench-check"]);
    println!("cargo:rustc-env=BENCH_CHECK={}", built[0].1.display());
    println!("cargo:rerun-if-changed=guest");
}
