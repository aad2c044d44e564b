//! Builds the benchmark's guest.

fn main() {
    let built = sprag_guest_build::build(&["bench-check"]);
    println!("cargo:rustc-env=BENCH_CHECK={}", built[0].1.display());
    println!("cargo:rerun-if-changed=guest");
}
