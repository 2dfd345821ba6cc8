#include "app/items.h"

#include "app/if_match.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sk::app {

struct Item {
  std::int64_t id = 0;
  std::string name;
  std::optional<std::string> note;
  std::int64_t version = 0;
  Timestamp created_at;
  Timestamp updated_at;
};
SK_FIELDS(Item, id, name, note, version, created_at, updated_at)

// What POST and PUT take.
struct ItemInput {
  std::string name;
  std::optional<std::string> note;
};
SK_FIELDS(ItemInput, name, note)
SK_RULES(ItemInput, (name, length(1, 200)), (name, no_nul()), (note, length(0, 10'000)),
         (note, no_nul()))

struct ItemPage {
  std::optional<std::int32_t> limit;
  std::optional<std::int64_t> after;
};
SK_FIELDS(ItemPage, limit, after)
SK_RULES(ItemPage, (limit, range(1, 100)))

struct ItemList {
  std::vector<Item> items;
  std::optional<std::int64_t> next_after;  // for the next page; null on the last one
};
SK_FIELDS(ItemList, items, next_after)

namespace {

constexpr std::int32_t kPageSize = 20;
constexpr std::string_view kNameConstraint = "items_name_key";

// clang-format off
constexpr std::string_view kInsert =
    "insert into items (name, note) values ($1, $2) "
    "returning id, name, note, version, created_at, updated_at";
constexpr std::string_view kSelect =
    "select id, name, note, version, created_at, updated_at from items where id = $1";
constexpr std::string_view kSelectPage =
    "select id, name, note, version, created_at, updated_at from items where id > $1 "
    "order by id limit $2";
constexpr std::string_view kUpdate =
    "update items set name = $2, note = $3, version = version + 1, updated_at = now() "
    "where id = $1 and ($4::bigint is null or version = $4) "
    "returning id, name, note, version, created_at, updated_at";
constexpr std::string_view kDelete =
    "delete from items where id = $1 and ($2::bigint is null or version = $2)";
constexpr std::string_view kSelectVersion = "select version from items where id = $1";
// clang-format on

std::string cache_key(std::int64_t id) { return "item:" + std::to_string(id); }

Response with_etag(std::uint16_t status, const Item& item) {
  return json(status, item).header(HeaderId::etag, etag_of(item.version));
}

FieldError error_in(const Context& context, std::string_view field, std::string_view in,
                    std::string message) {
  FieldError error{.field = std::string(field),
                   .in = in,
                   .position = std::nullopt,
                   .line = std::nullopt,
                   .column = std::nullopt,
                   .message = std::move(message)};
  if (in == "path") {
    error.position =
        static_cast<std::uint64_t>(context.path_params().values[0].data() - context.path().data());
  }
  return error;
}

Response no_such_item(const Context& context) {
  return problem(404, "There is no item with this id.",
                 error_in(context, "id", "path", "is not the id of an item"));
}

Response stale(const Context& context, std::int64_t version) {
  return problem(412, "The item has changed since you read it.",
                 error_in(context, "If-Match", "header",
                          "does not name the current version, which is " + etag_of(version)));
}

Response name_taken(const Body<ItemInput>& input) {
  return problem(409, "Another item has this name.",
                 input.error(&ItemInput::name, "is taken by another item"));
}

bool is_taken_name(const pg::Error& error) {
  return error.kind == pg::ErrorKind::unique_violation && error.constraint == kNameConstraint;
}

Task<std::optional<Item>> load_item(Context& context, std::int64_t id) {
  pg::Result<std::optional<Item>> found = co_await context.pg().opt<Item>(kSelect, id);
  co_return take(std::move(found));
}

Task<Response> create_item(Context& context, Body<ItemInput> input) {
  pg::Result<Item> created = co_await context.pg().one<Item>(kInsert, input->name, input->note);
  if (!created && is_taken_name(created.error())) {
    co_return name_taken(input);
  }
  const Item item = take(std::move(created));
  // "There is no such item" may have been remembered for this id.
  co_await context.cache().invalidate(context.scope(), cache_key(item.id));
  co_return with_etag(201, item).header(HeaderId::location, "/v1/items/" + std::to_string(item.id));
}

Task<Response> get_item(Context& context, Path<std::int64_t> id) {
  const auto load = [&context, &id] { return load_item(context, *id); };
  Cached<Item> cached =
      co_await context.cache().get_or_load<Item>(context.scope(), cache_key(*id), load);
  const std::string_view x_cache_value = x_cache(cached.outcome);
  if (!cached.value) {
    co_return no_such_item(context).header(HeaderId::x_cache, x_cache_value);
  }
  const Item& item = *cached.value;
  const std::string_view if_none_match = context.header(HeaderId::if_none_match);
  if (!if_none_match.empty() && parse_entity_tags(if_none_match).weakly_match(item.version)) {
    co_return Response(304)
        .header(HeaderId::etag, etag_of(item.version))
        .header(HeaderId::x_cache, x_cache_value);
  }
  co_return with_etag(200, item).header(HeaderId::x_cache, x_cache_value);
}

Task<Response> list_items(Context& context, Query<ItemPage> page) {
  const std::int32_t limit = page->limit.value_or(kPageSize);
  const std::int64_t start = page->after.value_or(0);
  // One more than asked for tells whether there is a next page.
  pg::Result<std::vector<Item>> rows =
      co_await context.pg().many<Item>(kSelectPage, start, std::int64_t{limit} + 1);
  ItemList list{.items = take(std::move(rows)), .next_after = std::nullopt};
  if (list.items.size() > static_cast<std::size_t>(limit)) {
    list.items.pop_back();
    list.next_after = list.items.back().id;
  }
  co_return json(list);
}

// Which version a write may replace (nothing: whichever is there), or the answer that ends it.
struct Precondition {
  std::optional<std::int64_t> version;
  std::optional<Response> refused;
};

// What to answer where a write found nothing to change: the item is gone, or has another version.
Task<Response> explain_no_change(Context& context, std::int64_t id) {
  pg::Result<std::optional<std::int64_t>> current =
      co_await context.pg().opt<std::int64_t>(kSelectVersion, id);
  const std::optional<std::int64_t> version = take(std::move(current));
  co_return version ? stale(context, *version) : no_such_item(context);
}

Task<Precondition> check_if_match(Context& context, std::int64_t id) {
  Precondition out;
  const EntityTags tags = parse_entity_tags(context.header(HeaderId::if_match));
  if (!context.request().fields.has(HeaderId::if_match) || tags.any) {
    co_return out;
  }
  if (tags.versions.size() == 1) {
    out.version = tags.versions[0];
    co_return out;
  }
  // None of ours, or several: see which one is there.
  pg::Result<std::optional<std::int64_t>> current =
      co_await context.pg().opt<std::int64_t>(kSelectVersion, id);
  out.version = take(std::move(current));
  if (!out.version) {
    out.refused = no_such_item(context);
  } else if (!tags.strongly_match(*out.version)) {
    out.refused = stale(context, *out.version);
  }
  co_return out;
}

Task<Response> update_item(Context& context, Path<std::int64_t> id, Body<ItemInput> input) {
  if (!context.request().fields.has(HeaderId::if_match)) {
    co_return problem(428, "Say which version you mean to replace.",
                      error_in(context, "If-Match", "header",
                               "is required: the ETag of the item as you read it, or *"));
  }
  Precondition precondition = co_await check_if_match(context, *id);
  if (precondition.refused) {
    co_return std::move(*precondition.refused);
  }
  // The version stands in the statement itself: of two writers with the same ETag one wins.
  pg::Result<std::optional<Item>> updated =
      co_await context.pg().opt<Item>(kUpdate, *id, input->name, input->note, precondition.version);
  if (updated || updated.error().maybe_executed) {
    co_await context.cache().invalidate(context.scope(), cache_key(*id));
  }
  if (!updated && is_taken_name(updated.error())) {
    co_return name_taken(input);
  }
  const std::optional<Item> item = take(std::move(updated));
  if (!item) {
    Response explained = co_await explain_no_change(context, *id);
    co_return explained;
  }
  co_return with_etag(200, *item);
}

Task<Response> delete_item(Context& context, Path<std::int64_t> id) {
  Precondition precondition = co_await check_if_match(context, *id);
  if (precondition.refused) {
    co_return std::move(*precondition.refused);
  }
  pg::Result<std::uint64_t> deleted =
      co_await context.pg().exec(kDelete, *id, precondition.version);
  if (deleted || deleted.error().maybe_executed) {
    co_await context.cache().invalidate(context.scope(), cache_key(*id));
  }
  if (take(std::move(deleted)) == 0) {
    Response explained = co_await explain_no_change(context, *id);
    co_return explained;
  }
  co_return Response(204);
}

}  // namespace

std::vector<Migration> item_migrations() {
  return {{.version = 1,
           .name = "items",
           .sql = "create table items ("
                  "id bigint generated always as identity primary key, "
                  "name text not null constraint items_name_key unique "
                  "constraint items_name_length check (char_length(name) between 1 and 200), "
                  "note text, "
                  "version bigint not null default 1, "
                  "created_at timestamptz not null default now(), "
                  "updated_at timestamptz not null default now())"}};
}

void add_items(App& app) {
  app.post("/v1/items", create_item);
  app.get("/v1/items", list_items);
  app.get("/v1/items/:id", get_item);
  app.put("/v1/items/:id", update_item);
  app.del("/v1/items/:id", delete_item);
  app.migrations(item_migrations());
}

}  // namespace sk::app
