-- The days of a control that revisions speak of which came while it was counted: those
-- at or above the offsets up to which coverage reached before.
SELECT DISTINCT arrayJoin([toDate32(item_time), toDate32(previous_item_time)]) AS day
FROM verdict_revisions
WHERE tenant = {tenant:String} AND control = {control:String}
  AND offset >= arrayElement({ends:Array(Int64)}, indexOf({partitions:Array(Int32)}, partition))
