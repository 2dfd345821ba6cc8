// /v1/items: a small collection in PostgreSQL, cached in Redis; the reference for how an
// application on the runtime looks.
//
//   POST   /v1/items       {"name", "note"?}   201, Location, ETag
//   GET    /v1/items       ?limit=&after=      200, {"items": [...], "next_after": id or null}
//   GET    /v1/items/:id                       200, ETag, X-Cache: hit|miss; 304 (If-None-Match)
//   PUT    /v1/items/:id   {"name", "note"?}   200, ETag; needs If-Match: 412 stale, 428 missing
//   DELETE /v1/items/:id                       204; obeys If-Match
//
// A name has 1 to 200 characters and is unique (409). ETag is the version in quotes. Pages have 1
// to 100 items, 20 unless asked; the next one begins after next_after.
#pragma once

#include "app/app.h"

namespace sk::app {

void add_items(App& app);

[[nodiscard]] std::vector<Migration> item_migrations();

}  // namespace sk::app
