-- A version of what a run says.
-- Locks: none. Index: pk_run_contents.
--
-- $1 run_id bigint: the run
-- $2 version integer: the version
-- -> subject text: subject
-- -> preheader text: preheader
-- -> from_email text: address of the From header
-- -> from_name text: name of the From header
-- -> reply_to text: address of Reply-To, empty without
-- -> html text: HTML part, null without
-- -> text text: text part, null without
-- -> headers jsonb: further headers
-- -> track_opens boolean: whether it has a pixel
-- -> track_clicks boolean: whether links are tracked
-- -> constants jsonb: values of names that are the same for all
-- -> names text[]: fields of its audiences
-- -> links text[]: where tracked links lead, by number
SELECT subject, preheader, from_email, from_name, reply_to, html, text, headers, track_opens, track_clicks, constants, names,
    links
FROM run_contents
WHERE run_id = $1::bigint AND version = $2::integer
