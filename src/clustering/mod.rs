//! k-means, nearest centroid, choosing K.
