// A whole application: one route, typed path parameters, a struct as JSON.
//
//   ./dev build
//   ./dev run -- build/dev/bin/hello --listen 127.0.0.1:7600 &
//   curl http://127.0.0.1:7600/hello/world/3
#include "app/app.h"

#include <cstdint>
#include <string>

struct Greeting {
  std::string text;
  std::int64_t times = 0;
};
SK_FIELDS(Greeting, text, times)

int main(int argc, char** argv) {
  using namespace sk::app;
  App app("hello", "1.0");
  app.get("/hello/:name/:times", [](Path<std::string> name, Path<std::int64_t> times) {
    return json(Greeting{"hello, " + *name, *times});
  });
  return app.main(argc, argv);
}
