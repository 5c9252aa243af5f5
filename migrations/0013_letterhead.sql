-- The letterhead: what of the newsletter stands in the headers of an issue's mails, and where their links lead.
--
-- It is frozen with the issue, so whoever sends it sends what was approved, and a retry is the same message, whatever
-- masthead.toml says there by then. Mailboxes are written as masthead.toml has them: `Ann <ann@example.org>`.
-- Null in issues of earlier versions until somebody sends them again.
alter table issue
    add column newsletter_name text,
    add column from_mailbox text,
    add column reply_to text,
    add column base_url text;
alter table issue add
    constraint issue_letterhead_check check (
        num_nulls(newsletter_name, from_mailbox, base_url) in (0, 3) and (reply_to is null or from_mailbox is not null)
    );
