// RequestTemplate: the bytes of one request of the scenario, with the places where values go.
//
// A request without parameters is written once. With some, each request draws its values from the
// run's seed and its own number, so that the same seed sends the same bytes, in whatever order
// connections become free.
#pragma once

#include "bench/generator/client_pool.h"
#include "bench/scenario/scenario.h"
#include "bench/scenario/values.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sk::bench {

// The names in ${...}, in order of appearance.
[[nodiscard]] std::vector<std::string> parameters_in(std::string_view text);

class RequestTemplate {
 public:
  // timing_secret: sent as Sidekick-Timing where it is not empty, so that answers bring their
  // stages. The scenario was checked; values outlive this.
  RequestTemplate(const ScenarioRequest& request, std::string_view authority,
                  std::string_view timing_secret, const Values& values);

  // Bytes for that number of the run. Valid until the next call.
  [[nodiscard]] std::string_view render(std::uint64_t seed, std::uint64_t sequence);
  // The path alone, with its values: what a report calls the request.
  [[nodiscard]] std::string render_path(std::uint64_t seed, std::uint64_t sequence) const;

  [[nodiscard]] Method method() const { return method_; }

 private:
  // How a value is written where it stands: only what is unreserved in a path, anything in a body.
  enum class Place : std::uint8_t { path, header, body };
  struct Piece {
    std::string literal;
    std::size_t parameter = SIZE_MAX;  // index in values, after the literal
    Place place = Place::body;
  };

  void compile(std::vector<Piece>& pieces, std::string_view text, Place place);
  void fill(std::string& out, const std::vector<Piece>& pieces, std::uint64_t seed,
            std::uint64_t sequence) const;

  const Values& values_;
  Method method_;
  std::vector<Piece> path_;
  std::vector<Piece> head_;
  std::vector<Piece> body_;
  bool sends_length_;
  bool constant_ = true;
  std::string rendered_;
  std::string body_text_;
};

}  // namespace sk::bench
