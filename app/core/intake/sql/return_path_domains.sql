-- Domains of senders whose return path was seen to lead to us, deleted ones too: mail of theirs may still bounce.
--
-- -> domain text: the return path's name, in lower case
--
-- Locks: none. Index: none; asked for once a second at most.
SELECT DISTINCT 'dynrp.' || lower(split_part(email, '@', -1)) AS domain
FROM senders
WHERE return_path_ok
