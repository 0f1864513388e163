// OBSERVATION: a behaviour that no document promises, but that programs can see.
//
//   OBSERVATION(Pipe, SmallestCapacity, "fcntl(2)", "capacity after F_SETPIPE_SZ of 1 byte") {
//     const PipeEnds p = a.Pipe();
//     return Told(a.Do(SetPipeSize{.fd = p.write, .size = 1}));
//   }
//
// The body makes calls like that of a clause, and returns a short text: a number, a name, a list.
// It goes into the results, where two kernels can be compared: a change is drift. An observation
// never fails a test; its calls are held to the reference like any, and if they violate that, it is
// said as of a clause. What it returns must be the same each time on one kernel.
#ifndef IPCSPEC_CONFORMANCE_OBSERVE_H_
#define IPCSPEC_CONFORMANCE_OBSERVE_H_

#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "conformance/clause.h"

namespace ipcspec {

struct ObservationInfo {
  std::string mechanism;  // "pipe"
  std::string name;       // "SmallestCapacity"
  std::string source;     // where the documents speak of it, if only by silence: "fcntl(2)"
  std::string looked_at;  // what is looked at
  std::string id() const { return mechanism + "." + name; }
};
// All observations of this binary, in the order of their files.
const std::vector<ObservationInfo>& AllObservations();

// GoogleTest's suite of the observations of a mechanism is this and the mechanism.
inline constexpr std::string_view kObserveSuite = "observe_";

class ObservationTest : public ClauseTest {
 public:
  // What the test that ran last has seen; empty when it came to no end.
  static const std::string& last_value();

 protected:
  virtual std::string Observe() = 0;
  void Body() final;
};

int RegisterObservation(ObservationInfo info, testing::Test* (*make)(), const char* file, int line);

// What the call returned, as text: the error's name, or the return value.
std::string Told(const Outcome& outcome);
// "3 4 5"
std::string ToldAll(const std::vector<int64_t>& numbers);
// One of the values that came out, or the error's name.
std::string ToldValue(const Outcome& outcome, size_t field);
// The same of a mode, in octal.
std::string ToldMode(const Outcome& outcome, size_t field);

// The order in which `count` children that make this call, one after the other, come to its end:
// at each `wake` one does, "1 2 3" if it is the order in which they came.
std::string WakeOrder(TaskHandle& a, const Call& sleeps, int count, absl::FunctionRef<void()> wake);
// How often the call succeeds before it fails, as what it returns in sum, and how it then fails:
// "16 times, 65536, EAGAIN".
std::string UntilItFails(TaskHandle& a, const Call& call);

}  // namespace ipcspec

#define OBSERVATION(Mechanism, Name, source_, looked_at_)                                       \
  class Observe##Mechanism##_##Name : public ::ipcspec::ObservationTest {                       \
    std::string Observe() override;                                                             \
  };                                                                                            \
  [[maybe_unused]] static const int registered_Observe##Mechanism##_##Name =                    \
      ::ipcspec::RegisterObservation(                                                           \
          {.mechanism = #Mechanism, .name = #Name, .source = source_, .looked_at = looked_at_}, \
          []() -> ::testing::Test* { return new Observe##Mechanism##_##Name; }, __FILE__,       \
          __LINE__);                                                                            \
  std::string Observe##Mechanism##_##Name::Observe()

#endif  // IPCSPEC_CONFORMANCE_OBSERVE_H_
