// Calls as C: how a step of a program is written in a repro (repro.h).
//
// The C text uses helpers that prelude.h holds; which of them is noted as they are used, so
// that a repro carries no more than it needs.
#ifndef IPCSPEC_PLATFORMS_REPRO_CALLS_H_
#define IPCSPEC_PLATFORMS_REPRO_CALLS_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "impl/call/outcome.h"
#include "impl/call/program.h"

namespace ipcspec {

// Gathers what the C text of one program needs.
class ReproText {
 public:
  explicit ReproText(const Program& program);

  // The statements that make the call and return what it returned.
  std::string Body(const Step& step);

  // A C string literal. No byte of it can be taken for another after it.
  static std::string Literal(std::string_view bytes);
  // Whether the bytes read well as a literal.
  static bool IsShort(std::string_view bytes);
  // Expressions that append the bytes to the buffer `made`, joined with `separator`.
  std::string Make(std::string_view bytes, std::string_view separator);

  // Notes that a helper is used; gives its name.
  std::string Use(std::string_view helper);
  // What step `label` returned (index -1), or its values[index], under a speaking name.
  std::string NameOf(int label, int index);
  // `key` as the name of the ftok step that gave it, or else the number.
  std::string KeyOr(int64_t key, const std::map<int, Outcome>& outcomes);
  // A step reads or makes this many bytes.
  void Reserve(int64_t bytes);
  void ReserveValues(int64_t values);

  const std::set<std::string, std::less<>>& helpers() const { return helpers_; }
  // The names in use, and what they stand for.
  const std::map<std::string, std::string>& names() const { return names_; }
  int64_t data_bytes() const { return data_bytes_; }
  int64_t values() const { return values_; }

 private:
  std::map<int, const Call*> calls_;  // by label
  std::set<std::string, std::less<>> helpers_;
  std::map<std::string, std::string> names_;
  int64_t data_bytes_ = 64;
  int64_t values_ = 8;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REPRO_CALLS_H_
