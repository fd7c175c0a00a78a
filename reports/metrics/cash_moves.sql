-- Entries on cash: `channel`, that of what a reversal undid, and `root`: the kind of the transaction, or of what was undone.
SELECT e.business_date, e.day_number, e.month, e.brand_id, e.currency, e.kind, e.amount,
       coalesce(e.channel, x.channel, u.channel, '') AS channel,
       CASE WHEN e.kind <> 'reverse' THEN e.kind WHEN u.kind = 'reverse' THEN f.kind ELSE u.kind END AS root
FROM entries e JOIN transactions x ON x.id = e.transaction_id
     LEFT JOIN transactions u ON u.id = e.refers_to LEFT JOIN transactions f ON f.id = u.refers_to
WHERE e.account_kind = 'cash'
