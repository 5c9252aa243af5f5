//! The link memory: the pages of issues that were sent, and of files from before.

use std::collections::{HashMap, HashSet};

use ring::digest;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use time::Date;

use super::{Store, StoreError, connect_options};
use crate::issue::{Address, Archive, ArchivedIssue, Issue, IssueLink, Origin, Role};
use crate::newsletter::Slug;

/// What an import into the link memory did, a count per file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ArchiveCounts {
    /// New.
    pub added: usize,
    /// Known by name or content, and other than before.
    pub changed: usize,
    /// As before.
    pub unchanged: usize,
    /// Left out: an issue that was sent is remembered as it was sent.
    pub sent: usize,
}

/// A link that an issue had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundLink {
    /// The newsletter's slug.
    pub newsletter: String,
    /// The issue's number.
    pub number: Option<i32>,
    /// Its title.
    pub title: Option<String>,
    /// Its date.
    pub date: Option<Date>,
    /// Its file, or `slug/number`.
    pub name: String,
    /// `item` or `mention`, see [`Role`].
    pub role: String,
    /// The page.
    pub address: String,
    /// The link as written.
    pub url: String,
}

/// A file with what is kept of it.
struct Entry<'a> {
    issue: ArchivedIssue,
    links: Vec<IssueLink<'a>>,
    digest: Vec<u8>,
}

impl<'a> Entry<'a> {
    fn new(name: &str, issue: &'a Issue) -> Self {
        let links = issue.recommended();
        let issue = ArchivedIssue::new(issue, name);
        let kept: Vec<_> = links.iter().map(|link| (link.role.as_str(), link.address.as_str(), link.url)).collect();
        let date = issue.date.map(|date| date.to_string());
        let kept = json!([issue.number, issue.title, date, issue.language, kept]).to_string();
        Self { issue, links, digest: digest::digest(&digest::SHA256, kept.as_bytes()).as_ref().to_vec() }
    }

    fn number(&self) -> Option<i32> {
        self.issue.number.and_then(|number| i32::try_from(number).ok())
    }
}

impl Store {
    /// Takes issues of before into a newsletter's link memory, each with the name of its file.
    ///
    /// One transaction. The same again changes nothing; a file that changed replaces what was kept of it, and one
    /// that is elsewhere now is known by its content. Numbers that were sent are left out.
    pub async fn import_archive(
        &self,
        newsletter_id: i32,
        files: &[(String, Issue)],
    ) -> Result<ArchiveCounts, StoreError> {
        let mut transaction = self.pool.begin().await?;
        // One import at a time: two would both find a file new.
        sqlx::query!("select id from newsletter where id = $1 for update", newsletter_id)
            .fetch_one(&mut *transaction)
            .await?;
        let sent = sent_numbers(&mut transaction, newsletter_id).await?;
        let known = digests(&mut transaction, newsletter_id).await?;
        let mut counts = ArchiveCounts::default();
        let mut entries = Vec::new();
        for (name, issue) in files {
            let entry = Entry::new(name, issue);
            let digest = known.get(name);
            if entry.number().is_some_and(|number| sent.contains(&number)) {
                counts.sent += 1;
            } else if digest == Some(&entry.digest) {
                counts.unchanged += 1;
            } else {
                entries.push(entry);
            }
        }
        let names: Vec<_> = files.iter().map(|(name, _)| name.clone()).collect();
        let replaced = forget(&mut transaction, newsletter_id, &entries, &names).await?;
        counts.changed = replaced.min(entries.len());
        counts.added = entries.len() - counts.changed;
        let ids = remember(&mut transaction, newsletter_id, &entries).await?;
        for (entry, id) in entries.iter().zip(ids) {
            remember_links(&mut transaction, id, &entry.links).await?;
        }
        transaction.commit().await?;
        Ok(counts)
    }

    /// Where a page appeared, and other pages of its repository; in one newsletter or in all, the oldest first.
    pub async fn find_links(
        &self,
        address: &Address,
        newsletter_id: Option<i32>,
    ) -> Result<Vec<FoundLink>, StoreError> {
        let repository = address.repository().map(|repository| repository.to_string());
        let found = sqlx::query_as!(
            FoundLink,
            "select n.slug as newsletter, i.number, i.title, i.issue_date as date, i.name, l.role, l.address, l.url
             from archived_link l
             join archived_issue i on i.id = l.archived_issue_id
             join newsletter n on n.id = i.newsletter_id
             where (l.address = $1 or l.repository = $2) and ($3::integer is null or i.newsletter_id = $3)
             order by i.issue_date, i.number, i.id, l.position",
            address.as_str(),
            repository,
            newsletter_id
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(found)
    }
}

/// What the store at `url` remembers of a newsletter, for looking up many pages; empty where it knows none.
///
/// Nothing is written, and no table is made: this is for who only looks.
pub async fn read_archive(url: &str, slug: &Slug) -> Result<Archive, StoreError> {
    let mut connection = PgConnection::connect_with(&connect_options(url)?).await?;
    let archive = match has_archive(&mut connection).await? {
        true => archive_of(&mut connection, slug).await?,
        false => Archive::new(),
    };
    connection.close().await?;
    Ok(archive)
}

/// Whether the link memory's tables are there.
async fn has_archive(connection: &mut PgConnection) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(r#"select to_regclass('archived_link') is not null as "found!""#);
    Ok(found.fetch_one(connection).await?)
}

async fn archive_of(connection: &mut PgConnection, slug: &Slug) -> Result<Archive, StoreError> {
    let issues = sqlx::query!(
        r#"select a.id, a.name, a.language, a.number, a.title, a.issue_date, a.issue_id is not null as "sent!"
           from archived_issue a join newsletter n on n.id = a.newsletter_id
           where n.slug = $1 order by a.issue_date, a.number, a.id"#,
        slug.as_str()
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut links = archived_links(connection, slug).await?;
    let mut archive = Archive::new();
    for row in issues {
        let issue = ArchivedIssue {
            newsletter: None,
            language: row.language,
            number: row.number.and_then(|number| u32::try_from(number).ok()),
            title: row.title,
            date: row.issue_date,
            name: row.name,
            origin: if row.sent { Origin::Sent } else { Origin::Imported },
        };
        archive.insert(issue, links.remove(&row.id).unwrap_or_default());
    }
    Ok(archive)
}

/// The links of all issues of a newsletter, by the issue's id.
///
/// Their addresses are made anew from the links as written, so that they are as this version has them.
async fn archived_links(
    connection: &mut PgConnection,
    slug: &Slug,
) -> Result<HashMap<i64, Vec<(Address, Role)>>, StoreError> {
    let rows = sqlx::query!(
        "select l.archived_issue_id, l.role, l.url
         from archived_link l
         join archived_issue i on i.id = l.archived_issue_id
         join newsletter n on n.id = i.newsletter_id
         where n.slug = $1 order by l.archived_issue_id, l.position",
        slug.as_str()
    )
    .fetch_all(connection)
    .await?;
    let mut links: HashMap<i64, Vec<(Address, Role)>> = HashMap::new();
    for row in rows {
        if let (Some(address), Some(role)) = (Address::canonical(&row.url), Role::parse(&row.role)) {
            links.entry(row.archived_issue_id).or_default().push((address, role));
        }
    }
    Ok(links)
}

/// Takes an issue into the link memory with its first send; files of the same number are drafts of it.
pub(super) async fn remember_sent(
    connection: &mut PgConnection,
    issue_id: i64,
    links: &[IssueLink<'_>],
) -> Result<(), StoreError> {
    sqlx::query!(
        "delete from archived_issue a using issue i
         where i.id = $1 and a.newsletter_id = i.newsletter_id and a.number = i.number and a.issue_id is null",
        issue_id
    )
    .execute(&mut *connection)
    .await?;
    let id = sqlx::query_scalar!(
        "insert into archived_issue (newsletter_id, issue_id, name, number, title, issue_date, digest)
         select i.newsletter_id, i.id, n.slug || '/' || i.number, i.number, i.title,
                coalesce(i.issue_date, coalesce(i.starts_at, i.created_at)::date), i.source_digest
         from issue i join newsletter n on n.id = i.newsletter_id where i.id = $1
         returning id",
        issue_id
    )
    .fetch_one(&mut *connection)
    .await?;
    remember_links(connection, id, links).await
}

async fn sent_numbers(connection: &mut PgConnection, newsletter_id: i32) -> Result<HashSet<i32>, StoreError> {
    let numbers = sqlx::query_scalar!("select number from issue where newsletter_id = $1", newsletter_id)
        .fetch_all(connection)
        .await?;
    Ok(numbers.into_iter().collect())
}

/// The digests of what came from files, by the file's name.
async fn digests(connection: &mut PgConnection, newsletter_id: i32) -> Result<HashMap<String, Vec<u8>>, StoreError> {
    let rows = sqlx::query!(
        "select name, digest from archived_issue where newsletter_id = $1 and issue_id is null",
        newsletter_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.digest)).collect())
}

/// Deletes what was kept of files: by name, and by content where no file of `names` has it. Returns of how many.
async fn forget(
    connection: &mut PgConnection,
    newsletter_id: i32,
    entries: &[Entry<'_>],
    names: &[String],
) -> Result<usize, StoreError> {
    let changed: Vec<_> = entries.iter().map(|entry| entry.issue.name.clone()).collect();
    let digests: Vec<_> = entries.iter().map(|entry| entry.digest.clone()).collect();
    let deleted = sqlx::query!(
        "delete from archived_issue
         where newsletter_id = $1 and issue_id is null
           and (name = any($2) or digest = any($3) and not name = any($4))",
        newsletter_id,
        &changed,
        &digests,
        names
    )
    .execute(connection)
    .await?;
    Ok(deleted.rows_affected() as usize)
}

/// Writes the rows of files; returns their ids, in the same order.
async fn remember(
    connection: &mut PgConnection,
    newsletter_id: i32,
    entries: &[Entry<'_>],
) -> Result<Vec<i64>, StoreError> {
    let names: Vec<_> = entries.iter().map(|entry| entry.issue.name.clone()).collect();
    let languages: Vec<_> = entries.iter().map(|entry| entry.issue.language.clone()).collect();
    let numbers: Vec<_> = entries.iter().map(Entry::number).collect();
    let titles: Vec<_> = entries.iter().map(|entry| entry.issue.title.clone()).collect();
    let dates: Vec<_> = entries.iter().map(|entry| entry.issue.date).collect();
    let digests: Vec<_> = entries.iter().map(|entry| entry.digest.clone()).collect();
    let rows = sqlx::query!(
        "insert into archived_issue (newsletter_id, name, language, number, title, issue_date, digest)
         select $1, r.*
         from unnest($2::text[], $3::text[], $4::integer[], $5::text[], $6::date[], $7::bytea[]) as r
         returning id, name",
        newsletter_id,
        &names,
        &languages as &[Option<String>],
        &numbers as &[Option<i32>],
        &titles as &[Option<String>],
        &dates as &[Option<Date>],
        &digests
    )
    .fetch_all(connection)
    .await?;
    let ids: HashMap<_, _> = rows.into_iter().map(|row| (row.name, row.id)).collect();
    Ok(names.iter().filter_map(|name| ids.get(name).copied()).collect())
}

async fn remember_links(
    connection: &mut PgConnection,
    archived_issue_id: i64,
    links: &[IssueLink<'_>],
) -> Result<(), StoreError> {
    let roles: Vec<_> = links.iter().map(|link| link.role.as_str().to_owned()).collect();
    let addresses: Vec<_> = links.iter().map(|link| link.address.to_string()).collect();
    let repositories: Vec<_> =
        links.iter().map(|link| link.address.repository().map(|repository| repository.to_string())).collect();
    let urls: Vec<_> = links.iter().map(|link| link.url.to_owned()).collect();
    sqlx::query!(
        "insert into archived_link (archived_issue_id, position, role, address, repository, url)
         select $1, r.position, r.role, r.address, r.repository, r.url
         from unnest($2::text[], $3::text[], $4::text[], $5::text[])
              with ordinality as r (role, address, repository, url, position)",
        archived_issue_id,
        &roles,
        &addresses,
        &repositories as &[Option<String>],
        &urls
    )
    .execute(connection)
    .await?;
    Ok(())
}
