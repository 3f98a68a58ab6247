// What `ps` shows of a process.
#pragma once

#include <string_view>

namespace sup::os {

// Replaces the command line that others see. `argv` is main()'s; its strings are gone afterwards, and a title longer than
// all of them together is cut off.
void set_process_title(int argc, char** argv, std::string_view title);

// Takes the first argument out of what ps(1) shows. argv stays usable for none of the later ones: copy them before.
void hide_first_argument(int argc, char** argv);

}  // namespace sup::os
