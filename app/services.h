// Services is what the handlers of one loop share: database, Redis, cache, buffers, log.
//
// One per loop, made by the runtime, used on that loop's thread only. Pointers are null where the
// configuration names no such service; Context turns that into a 503.
#pragma once

#include "app/config.h"
#include "app/json_reader.h"

namespace sk {
class Log;
class Loop;
namespace pg {
class Client;
}
namespace redis {
class Client;
}
}  // namespace sk

namespace sk::app {

class Cache;

struct Services {
  const Config& config;
  Loop& loop;
  Log* log = nullptr;
  pg::Client* pg = nullptr;
  redis::Client* redis = nullptr;
  Cache* cache = nullptr;
  JsonReader json_reader;
};

}  // namespace sk::app
