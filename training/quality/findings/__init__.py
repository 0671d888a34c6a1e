"""What is too much or too little, by which limits, in words."""
