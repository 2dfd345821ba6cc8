#include "net/http/fields.h"
#include "net/http/head.h"

#include <gtest/gtest.h>

#include <string>

namespace sk {
namespace {

std::string joined(const Fields& fields) {
  std::string text;
  for (const HeaderField& field : fields) {
    text.append(field.name()).append("=").append(field.value()).append(";");
  }
  return text;
}

TEST(Fields, KeepOrderAndRepetition) {
  Fields fields;
  fields.add("set-cookie", "a=1");
  fields.add("X-Own", "1");
  fields.add(HeaderId::set_cookie, "b=2");
  EXPECT_EQ(joined(fields), "Set-Cookie=a=1;X-Own=1;Set-Cookie=b=2;");
  EXPECT_EQ(fields.count(HeaderId::set_cookie), 2U);
  EXPECT_EQ(fields.get("SET-COOKIE"), "a=1");
  EXPECT_EQ(fields.get("x-own"), "1");
  EXPECT_EQ(fields.find(HeaderId::host), nullptr);
  EXPECT_EQ(fields.find("x-other"), nullptr);
}

TEST(Fields, CopyWhatIsAddedAndNotWhatIsViewed) {
  Fields fields;
  std::string value = "first";
  fields.add("X-Copied", value);
  fields.add_view("X-Viewed", value);
  value[0] = 'F';
  EXPECT_EQ(fields.get("x-copied"), "first");
  EXPECT_EQ(fields.get("x-viewed"), "First");
}

TEST(Fields, RemoveAndSetKeepTheOthers) {
  Fields fields;
  fields.add(HeaderId::accept, "a");
  fields.add(HeaderId::via, "1");
  fields.add(HeaderId::accept, "b");
  fields.add("X-Own", "x");
  EXPECT_TRUE(fields.set(HeaderId::accept, "c"));
  EXPECT_EQ(joined(fields), "Via=1;X-Own=x;Accept=c;");
  EXPECT_EQ(fields.remove(HeaderId::via), 1U);
  EXPECT_EQ(fields.remove(HeaderId::via), 0U);
  EXPECT_FALSE(fields.has(HeaderId::via));
  EXPECT_EQ(fields.remove_if([](const HeaderField& field) { return field.name() == "X-Own"; }), 1U);
  EXPECT_EQ(joined(fields), "Accept=c;");
}

TEST(Fields, StayValidWhenMovedAndWhenTheyGrow) {
  Fields fields;
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(
        fields.add("X-" + std::to_string(i), std::string(100, static_cast<char>('a' + i % 26))));
  }
  const Fields moved = std::move(fields);
  EXPECT_EQ(moved.size(), 200U);
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(moved.get("x-" + std::to_string(i)),
              std::string(100, static_cast<char>('a' + i % 26)));
  }
}

TEST(Fields, AreBoundedAndSaySo) {
  Fields many;
  std::size_t added = 0;
  while (many.add("X-A", "v") && added < 1000) {
    ++added;
  }
  EXPECT_EQ(added, Fields::kCountMax);
  EXPECT_FALSE(many.complete());
  Fields large;
  EXPECT_FALSE(large.add("X-A", std::string(HeadArena::kBytesMax + 1, 'a')));
  EXPECT_FALSE(large.complete());
  large.reset();
  EXPECT_TRUE(large.complete());
  EXPECT_TRUE(large.empty());
}

TEST(HeadArena, ReusesItsFirstBlockAndGivesTheRestBack) {
  HeadArena arena;
  EXPECT_EQ(arena.held_bytes(), 0U);
  const char* first = arena.allocate(100);
  EXPECT_EQ(arena.held_bytes(), 4096U);
  ASSERT_NE(arena.allocate(10'000), nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena.allocate(8, 8)) % 8, 0U);
  EXPECT_GT(arena.held_bytes(), 4096U);
  arena.reset();
  EXPECT_EQ(arena.held_bytes(), 4096U);
  EXPECT_EQ(arena.allocate(100), first);
  arena.release();
  EXPECT_EQ(arena.held_bytes(), 0U);
}

TEST(Head, KnowsMethodsAndHosts) {
  EXPECT_EQ(find_method("GET"), Method::get);
  EXPECT_EQ(find_method("DELETE"), Method::delete_);
  EXPECT_EQ(find_method("get"), Method::other);
  EXPECT_EQ(find_method("PROPFIND"), Method::other);
  EXPECT_EQ(find_method(""), Method::other);
  for (const Method method : {Method::get, Method::head, Method::post, Method::put, Method::patch,
                              Method::delete_, Method::options, Method::connect, Method::trace}) {
    EXPECT_EQ(find_method(method_name(method)), method);
  }
  EXPECT_TRUE(is_idempotent(Method::put));
  EXPECT_FALSE(is_idempotent(Method::post));
  EXPECT_FALSE(is_idempotent(Method::other));
  RequestHead head;
  head.authority = "Example.com:8080";
  EXPECT_EQ(head.host(), "Example.com");
  head.authority = "[::1]:80";
  EXPECT_EQ(head.host(), "::1");
  head.authority = "";
  EXPECT_EQ(head.host(), "");
}

}  // namespace
}  // namespace sk
