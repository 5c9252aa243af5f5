//! Rebuilds when a migration is added: sqlx embeds the folder, but does not notice a new file in it.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
