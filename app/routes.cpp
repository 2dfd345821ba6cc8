#include "app/routes.h"

#include "net/link/frames.h"

namespace sk::app {

void Routes::add_handler(Method method, std::string_view pattern,
                         std::unique_ptr<Handler> handler) {
  const auto index = static_cast<std::uint32_t>(handlers_.size());
  // A worker tells the balancer its patterns, and the link bounds them.
  if (pattern.size() > kRoutePatternBytesMax || router_.patterns().size() >= kRoutePatternsMax) {
    mistakes_.push_back("route pattern \"" + std::string(pattern.substr(0, 80)) +
                        "\" is longer than 512 bytes, or one of more than 4096");
    return;
  }
  const auto id = router_.add(method, pattern, index);
  if (!id) {
    mistakes_.push_back(id.error());
    return;
  }
  const std::size_t wanted = handler->path_params();
  const std::size_t present = router_.param_names(*id).size();
  if (wanted > present) {
    mistakes_.push_back("the handler of \"" + std::string(pattern) + "\" takes " +
                        std::to_string(wanted) + " Path parameters, the pattern has " +
                        std::to_string(present));
  }
  handlers_.push_back(std::move(handler));
}

}  // namespace sk::app
