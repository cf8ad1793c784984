#pragma once

/// Unmaps the pages of the program's and its libraries' segments that the loader never writes. Those still needed come
/// back from the page cache when they are touched; relocated data, which exist nowhere but in memory, stay.
void CLoader_release_unwritten_segments(void);
