#include "db/redis/reply.h"

#include "net/core/assert.h"

#include <hiredis/hiredis.h>

namespace sk::redis {
namespace {

const redisReply* of(const void* native) { return static_cast<const redisReply*>(native); }

}  // namespace

ReplyType ReplyView::type() const {
  if (native_ == nullptr) {
    return ReplyType::nil;
  }
  switch (of(native_)->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
    case REDIS_REPLY_VERB:
    case REDIS_REPLY_BIGNUM:
      return ReplyType::text;
    case REDIS_REPLY_INTEGER:
      return ReplyType::integer;
    case REDIS_REPLY_DOUBLE:
      return ReplyType::real;
    case REDIS_REPLY_BOOL:
      return ReplyType::boolean;
    case REDIS_REPLY_ARRAY:
    case REDIS_REPLY_SET:
    case REDIS_REPLY_PUSH:
      return ReplyType::array;
    case REDIS_REPLY_MAP:
    case REDIS_REPLY_ATTR:
      return ReplyType::map;
    case REDIS_REPLY_ERROR:
      return ReplyType::error;
    default:
      return ReplyType::nil;
  }
}

std::string_view ReplyView::text() const {
  switch (type()) {
    case ReplyType::text:
    case ReplyType::real:
    case ReplyType::error:
      return {of(native_)->str, of(native_)->len};
    default:
      return {};
  }
}

std::int64_t ReplyView::integer() const {
  const ReplyType kind = type();
  return kind == ReplyType::integer || kind == ReplyType::boolean ? of(native_)->integer : 0;
}

double ReplyView::real() const { return type() == ReplyType::real ? of(native_)->dval : 0; }

std::size_t ReplyView::size() const {
  const ReplyType kind = type();
  return kind == ReplyType::array || kind == ReplyType::map ? of(native_)->elements : 0;
}

ReplyView ReplyView::at(std::size_t index) const {
  SK_ASSERT(index < size());
  return ReplyView(of(native_)->element[index]);
}

void Reply::Free::operator()(void* native) const { freeReplyObject(native); }

}  // namespace sk::redis
