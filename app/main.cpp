// sidekick-app: the reference application. GET / says that it is there; /v1/items is in items.h.
#include "app/app.h"
#include "app/items.h"

#include "sidekick_version.h"

#include <string>

int main(int argc, char** argv) {
  using namespace sk::app;
  static const std::string status =
      R"({"status":"ok","version":")" + std::string(SIDEKICK_VERSION) + "\"}";
  App app("sidekick-app", SIDEKICK_VERSION);
  app.get("/", [] { return Response::of_static(200, kJsonType, status); });
  add_items(app);
  return app.main(argc, argv);
}
